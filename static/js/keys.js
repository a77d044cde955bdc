// Keys: an element names its keys in data-key ("a 1"); pressing one does to it what a click would do.
// Single keys are inert while typing, in dialogs, and together with a modifier.

const TYPING = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit], [type=button])";
const PRESSABLE = "a[href], button, summary";
const SCROLL_STEP = 120;

const MOVES = {
  j: () => scrollContext(SCROLL_STEP),
  k: () => scrollContext(-SCROLL_STEP),
  "[": () => openEvidence(-1),
  "]": () => openEvidence(1),
  v: switchViews,
};

export function startKeys() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("close", focusQuestion, true); // a dialog: else the focus is back on what opened it
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.key === "Enter") return onEnter(event, target);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return leave(target);
  if (target.closest(TYPING) || areOff()) return;
  const key = standardKey(event.key.toLowerCase());
  const handled = key in MOVES ? MOVES[key]() : press(elementFor(key));
  if (handled) event.preventDefault();
}

const areOff = () => "keysOff" in document.body.dataset;

// What people put in the place of a key stands on the page; a key that was given away does nothing.
function standardKey(key) {
  const own = JSON.parse(document.body.dataset.keys ?? "{}");
  return Object.hasOwn(own, key) ? own[key] : key;
}

function onEnter(event, target) {
  // A text box beside the answer (why a task goes to the seniors) sends its own form.
  const form = target.closest(TYPING)?.closest("form[data-next]") ?? document.getElementById("answer");
  const anywhere = event.ctrlKey || event.metaKey;
  if (!form || event.altKey || event.shiftKey) return;
  if (!anywhere && (areOff() || target.closest(TYPING) || target.closest(PRESSABLE))) return;
  event.preventDefault();
  if (!event.repeat) form.requestSubmit();
}

function leave(target) {
  const open = document.querySelector("details[data-digits][open]");
  if (target.closest(TYPING)) focusQuestion();
  else if (open) {
    open.open = false;
    focusQuestion();
  }
}

export function focusQuestion() {
  const first = document.querySelector("[data-first]:not(#preview *)"); // a preview is looked at
  if (first) first.focus({ preventScroll: true });
  return Boolean(first);
}

// An open list of numbered choices (the skip reasons) takes the digits before anything else does.
function elementFor(key) {
  const list = document.querySelector("details[data-digits][open]");
  const scopes = list && /^\d$/.test(key) ? [list] : [document];
  for (const scope of key ? scopes : []) {
    for (const element of scope.querySelectorAll("[data-key]")) {
      if (element.dataset.key.split(" ").includes(key) && isShown(element)) return element;
    }
  }
  return null;
}

// What another choice brings into view (the correction, by "incorrect") counts as shown when that choice is.
function isShown(element) {
  const seen = element.dataset.implies ? document.getElementById(element.dataset.implies) : element;
  return seen.checkVisibility();
}

function press(element) {
  if (!element) return false;
  if (element.matches(TYPING)) {
    if (!element.checkVisibility()) document.getElementById(element.dataset.implies)?.click();
    element.focus();
    return true;
  }
  element.focus({ preventScroll: true });
  element.click();
  return true;
}

function scrollContext(by) {
  window.scrollBy({ top: by });
  return true;
}

// Every frame shows its plain text, or every frame what fits it: one key, whatever was looked at before.
function switchViews() {
  const shown = [...document.querySelectorAll(".untrusted [data-view]:checked")];
  if (!shown.length) return false;
  const wanted = shown.some((choice) => choice.dataset.view === "formatted") ? "text" : "formatted";
  for (const choice of document.querySelectorAll(`.untrusted [data-view="${wanted}"]`)) choice.checked = true;
  return true;
}

function openEvidence(step) {
  const pieces = [...document.querySelectorAll(".evidence > details")];
  if (!pieces.length) return false;
  const now = pieces.findIndex((piece) => piece.open);
  const next = pieces[(now + step + pieces.length) % pieces.length];
  for (const piece of pieces) piece.open = piece === next;
  next.scrollIntoView({ block: "nearest" });
  return true;
}
