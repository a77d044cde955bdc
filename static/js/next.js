// The next task is fetched while somebody works on this one, and shown the moment they save. Their page stays in the
// document, out of sight, until the answer is saved; when saving fails they are back on it, with all they wrote.
import { announce } from "./notices.js";
import { newPage } from "./task.js";

const NOT_SWAPPED = new Set([401, 403, 404, 429]); // and everything from 500 up: htmx leaves the page as it is

const PATIENCE_MS = 1500; // for the next task, before it is got in the plain way

let ready = null; // { lease, letGo, title, nodes } of the next task
let parked = null; // the page whose answer is being saved, while the next one is shown already
let before = null; // where they were on the parked page
let held = []; // what was asked for on the next task before it is this person's
let fetching = false;

export function startNext() {
  const body = document.body;
  body.addEventListener("htmx:confirm", holdBack);
  body.addEventListener("htmx:configRequest", sayWhatIsShown);
  body.addEventListener("htmx:beforeSend", (event) => isNext(event) && ready && goOn());
  body.addEventListener("htmx:beforeSwap", keepWords);
  body.addEventListener("htmx:afterRequest", onAnswer);
  body.addEventListener("htmx:afterSettle", (event) => event.target.id === "page" && fetchNext());
  document.addEventListener("submit", holdBackForm, true);
  document.addEventListener("visibilitychange", () => (document.hidden ? letGo() : fetchNext()));
  addEventListener("pagehide", letGo);
  fetchNext();
}

function onAnswer(event) {
  const { elt, xhr } = event.detail;
  if (parked?.contains(elt) && elt.matches("[data-next]")) settle(xhr);
}

// The task shown ahead went to somebody else: what was written on it meanwhile is shown once more, to be copied.
function keepWords(event) {
  if (!parked || event.detail.target.id !== "page" || event.detail.xhr.getResponseHeader("HX-Reswap") === "none") return;
  const boxes = [...document.querySelectorAll("#page #answer textarea")];
  const words = boxes.map((box) => box.value).filter(Boolean).join("\n");
  if (words) requestAnimationFrame(() => announce(`Written on the task that went to somebody else: ${words}`, "info", 60));
}

const task = () => document.querySelector("#page .task[data-ready]");
const isNext = (event) => event.detail.elt.matches("#page [data-next]");

// One at a time, and no answer is sent meanwhile: the server would hand out another task than it keeps.
async function fetchNext() {
  const here = task();
  if (parked || fetching) return;
  if (here && !document.hidden) {
    ready = null;
    fetching = true;
    ready = await nextTask(here).catch(() => null);
    fetching = false;
    if (here !== task() || document.hidden) letGo();
    else if (ready) here.dataset.nextIs = "ready";
  }
  release();
}

async function nextTask(here) {
  const answer = await post(here.dataset.ready);
  if (answer.status !== 200) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html").body;
  const next = page.querySelector(".task[data-lease]");
  return next && { ...next.dataset, nodes: [...page.childNodes] };
}

const token = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;

function post(address) {
  const headers = { "HX-Request": "true", "X-CSRFToken": token() };
  return fetch(address, { method: "POST", headers, signal: AbortSignal.timeout(PATIENCE_MS) });
}

function letGo() {
  if (!ready || parked) return;
  const form = new FormData();
  form.append("csrfmiddlewaretoken", token());
  navigator.sendBeacon(ready.letGo, form);
  ready = null;
}

function sayWhatIsShown(event) {
  if (isNext(event) && ready) event.detail.parameters.shown = ready.lease;
}

// Same ids are in the document twice now; what is looked up by id is found in the page, which comes first.
function goOn() {
  const page = document.getElementById("page");
  parked = document.createElement("div");
  parked.hidden = parked.inert = true;
  before = { title: document.title, focus: document.activeElement };
  parked.append(...page.childNodes);
  page.after(parked);
  page.append(...ready.nodes);
  htmx.process(page);
  document.title = `${ready.title} · Review Queue`;
  document.getElementById("notices").replaceChildren();
  scrollTo(0, 0);
  newPage();
}

function settle(answer) {
  const failed = answer.status === 0 || answer.status >= 500 || NOT_SWAPPED.has(answer.status);
  if (failed) comeBack();
  else if (answer.getResponseHeader("HX-Reswap") === "none") confirmed();
  else forget();
}

function confirmed() {
  const waiting = held;
  forget();
  held = waiting;
  fetchNext();
}

function release() {
  const waiting = held;
  held = [];
  for (const each of waiting) each.go();
}

// Another page was sent, or is on its way: it takes the place of both.
function forget() {
  parked.remove();
  parked = ready = null;
  held = [];
}

function comeBack() {
  const page = document.getElementById("page");
  held = [];
  ready.nodes = [...page.childNodes];
  page.replaceChildren(...parked.childNodes);
  parked.remove();
  parked = null;
  document.title = before.title;
  newPage(Number(page.querySelector("input[name=seconds]").value));
  before.focus?.focus();
}

// Whoever is faster than the server waits for it, a moment.
function holdBack(event) {
  const leadsOn = event.target.hasAttribute("data-next");
  if (!isEarly(event.target, leadsOn)) return;
  event.preventDefault();
  hold(() => event.detail.issueRequest(true), leadsOn);
}

function holdBackForm(event) {
  const form = event.target;
  if (form.hasAttribute("hx-post") || !isEarly(form, true)) return;
  event.preventDefault();
  hold(() => form.requestSubmit(event.submitter), true);
}

// One thing is done with a task, the first that was asked for: an answer is not skipped while it waits to be saved.
function hold(go, leadsOn) {
  if (leadsOn && held.some((each) => each.leadsOn)) return;
  held.push({ go, leadsOn });
}

function isEarly(element, leadsOn) {
  return Boolean(element.closest("#page")) && (parked !== null || (fetching && leadsOn));
}
