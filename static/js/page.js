// What every page has: the sheet of keys, menus that close, copying, and parts that renew themselves quietly.

export function startPage() {
  for (const button of document.querySelectorAll("[data-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => document.getElementById(button.dataset.open).showModal());
  }
  document.addEventListener("click", onClick);
  // What is typed into a field for one character takes the place of the one that is there.
  document.addEventListener("focusin", (event) => event.target.matches("input[maxlength='1']") && event.target.select());
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));
  document.body.addEventListener("htmx:load", (event) => showCopyButtons(event.detail.elt));
  document.body.addEventListener("htmx:beforeRequest", restWhileHidden);
  document.body.addEventListener("htmx:beforeSwap", rememberOpen);
  document.body.addEventListener("htmx:configRequest", useCurrentToken);
  showCopyButtons(document);
}

function onClick(event) {
  closeMenus(event.target.closest("details[data-menu]"));
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except) menu.open = false;
  }
}

function showCopyButtons(within) {
  if (!within.querySelectorAll) return;
  for (const button of within.querySelectorAll("[data-copy]")) button.hidden = false;
}

async function copyText(button) {
  const source = document.getElementById(button.dataset.copy);
  if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
  else copySelected(source);
  const word = button.querySelector("[data-word]");
  const before = word.textContent;
  word.textContent = "Copied";
  setTimeout(() => (word.textContent = before), 1500);
}

// Browsers keep the clipboard from pages that came without TLS; a selection they still copy.
function copySelected(source) {
  getSelection().selectAllChildren(source);
  document.execCommand("copy");
}

// Logging in again in another tab changes the token; what this page was given with its forms is then out of date.
function useCurrentToken(event) {
  const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1];
  if (!token || event.detail.verb === "get") return;
  event.detail.headers["X-CSRFToken"] = token;
  if (event.detail.parameters.csrfmiddlewaretoken) event.detail.parameters.csrfmiddlewaretoken = token;
}

// A tab nobody looks at asks for nothing.
function restWhileHidden(event) {
  if (document.hidden && event.detail.elt.hasAttribute("data-poll")) event.preventDefault();
}

// A part that is replaced keeps open what was open.
function rememberOpen(event) {
  const target = event.detail.target;
  if (!target.hasAttribute("data-poll")) return;
  const open = [...target.querySelectorAll("details[open][id]")].map((details) => details.id);
  const scrolled = [...target.querySelectorAll(".table-wrap[id]")].map((wrap) => [wrap.id, wrap.scrollLeft]);
  requestAnimationFrame(() => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, left] of scrolled) document.getElementById(id)?.scrollTo(left, 0);
  });
}
