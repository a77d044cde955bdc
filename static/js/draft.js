// What was written in the last moment before a page is left, which the draft that saves itself has not sent yet.

const PATIENCE_MS = 1500; // somebody who wants to leave does not wait for ever

let unsent = false;

export function startDraft() {
  const body = document.body;
  body.addEventListener("input", noteChange);
  body.addEventListener("change", noteChange);
  body.addEventListener("htmx:beforeSend", (event) => event.detail.elt.id === "draft-state" && (unsent = false));
  body.addEventListener("htmx:afterSettle", (event) => event.target.id === "page" && (unsent = false));
  body.addEventListener("submit", () => (unsent = false), true);
  document.addEventListener("click", sendBeforeLeaving);
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

// By a link: the next page may be this very task again, and must find what was written.
async function sendBeforeLeaving(event) {
  const link = event.target.closest("a[href]");
  const plain = !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  const state = document.querySelector("#page #draft-state");
  if (!link || !plain || link.target || link.hash || link.hasAttribute("hx-get") || !unsent || !state) return;
  event.preventDefault();
  unsent = false;
  const body = new FormData(document.getElementById("answer"));
  const sent = { method: "POST", body, keepalive: true, signal: AbortSignal.timeout(PATIENCE_MS) };
  await fetch(state.getAttribute("hx-post"), sent).catch(() => null);
  location.assign(link.href);
}
