// What was written in the last moment before a page is left, which the draft that saves itself has not sent yet.

let unsent = false;

export function startDraft() {
  const body = document.body;
  body.addEventListener("input", noteChange);
  body.addEventListener("change", noteChange);
  body.addEventListener("htmx:beforeSend", (event) => event.detail.elt.id === "draft-state" && (unsent = false));
  body.addEventListener("htmx:afterSettle", (event) => event.target.id === "page" && (unsent = false));
  body.addEventListener("submit", () => (unsent = false), true);
  addEventListener("pagehide", sendUnsent);
  document.addEventListener("visibilitychange", () => document.hidden && sendUnsent());
}

function noteChange(event) {
  if (event.target.closest("#answer")) unsent = true;
}

function sendUnsent() {
  const state = document.querySelector("#page #draft-state");
  if (!unsent || !state) return;
  unsent = false;
  navigator.sendBeacon(state.getAttribute("hx-post"), new FormData(document.getElementById("answer")));
}
