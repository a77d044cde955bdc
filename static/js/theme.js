// Light or dark, before the first paint: what the person chose here, else what the system says.
(function () {
  "use strict";
  var system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem("theme");
    } catch (_refused) {
      return null;
    }
  }

  function apply() {
    var theme = chosen() || (system.matches ? "dark" : "light");
    document.documentElement.setAttribute("data-bs-theme", theme);
  }

  function toggle() {
    var next = document.documentElement.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", next);
    } catch (_refused) {
      document.documentElement.setAttribute("data-bs-theme", next);
      return;
    }
    apply();
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-toggle-theme]").forEach(function (button) {
      button.hidden = false;
      button.addEventListener("click", toggle);
    });
  });
})();
