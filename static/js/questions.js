// The questions of a review form: digits answer the one that has the focus, arrows lead from one to the next, questions
// for some verdicts appear with them, and a passage is taken over from what is marked.

const TYPING = "textarea, select, input:not([type=radio], [type=checkbox])";

export function startQuestions() {
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("change", (event) => event.target.closest("#answer, [data-preview]") && showAsked());
  document.addEventListener("click", takeMarked);
  document.body.addEventListener("htmx:load", showAsked);
  showAsked();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if ("keysOff" in document.body.dataset || document.querySelector("dialog[open]")) return;
  const question = event.target.closest?.("[data-question]");
  if (!question || event.target.closest(TYPING)) return;
  const handled = /^\d$/.test(event.key) ? answer(question, event.key) : move(question, event.key);
  if (!handled) return;
  event.preventDefault();
  event.stopPropagation();
}

// The first question has its digits from the page's own keys, as before anything has the focus.
function answer(question, digit) {
  if (question.hasAttribute("data-first") || document.querySelector("details[data-digits][open]")) return false;
  const option = question.querySelector(`[data-digit="${digit}"]`);
  if (!option) return true;
  option.focus({ preventScroll: true });
  option.click();
  if (question.hasAttribute("data-goes-on") && option.value !== "incorrect") move(question, "ArrowDown");
  return true;
}

function move(question, key) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!step) return false;
  const all = [...document.querySelectorAll("#page [data-question]")].filter((each) => each.checkVisibility());
  const next = all[all.indexOf(question) + step];
  if (!next) return all.length > 1;
  (next.matches("fieldset") ? next : next.querySelector(TYPING)).focus();
  next.scrollIntoView({ block: "nearest" });
  return true;
}

// Only where a verdict is picked by itself; of a choice or of fields the server makes it, so all questions stay.
function showAsked() {
  for (const question of document.querySelectorAll("[data-when]")) {
    const verdicts = question.closest("form, [data-preview]").querySelectorAll("input[name=verdict]");
    const known = [...verdicts].every((each) => each.value !== "by_field") && verdicts.length > 0;
    const picked = [...verdicts].find((each) => each.checked)?.value;
    question.hidden = known && !question.dataset.when.split(" ").includes(picked);
  }
  for (const button of document.querySelectorAll("[data-take-marked]")) button.hidden = false;
}

let marked = "";
document.addEventListener("selectionchange", () => {
  const text = getSelection().toString();
  if (text && !document.activeElement?.closest(TYPING)) marked = text;
});

function takeMarked(event) {
  const button = event.target.closest?.("[data-take-marked]");
  if (!button || !marked) return;
  const field = document.getElementById(button.dataset.takeMarked);
  field.value = marked;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}
