// The task page: where the focus lands, how long an answer took, and the hold on the task.
import { focusQuestion } from "./keys.js";
import { announce } from "./notices.js";

const HEARTBEAT_SECONDS = 30;
const LOW_SECONDS = 120;

let seen = 0; // milliseconds this task was visible before the present stretch
let visibleSince = null;
let runsOutAt = null;
let warned = false;

export function startTask() {
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "page") newPage();
    else if (event.target.id === "lease") readClock();
  });
  document.addEventListener("visibilitychange", countTime);
  document.addEventListener("submit", stampSeconds, true);
  setInterval(tick, 1000);
  setInterval(tickCountdown, 1000);
  setInterval(heartbeat, HEARTBEAT_SECONDS * 1000);
  newPage();
}

// `seconds`: how long somebody who is back on this task had looked at it before.
export function newPage(seconds = 0) {
  seen = seconds * 1000;
  visibleSince = document.hidden ? null : performance.now();
  warned = false;
  readClock();
  focusQuestion();
}

function countTime() {
  if (document.hidden && visibleSince !== null) {
    seen += performance.now() - visibleSince;
    visibleSince = null;
  } else if (!document.hidden) {
    visibleSince = performance.now();
    heartbeat();
  }
}

function stampSeconds(event) {
  const field = event.target.querySelector("input[name=seconds]");
  if (!field) return;
  const now = visibleSince === null ? 0 : performance.now() - visibleSince;
  field.value = ((seen + now) / 1000).toFixed(1);
}

function readClock() {
  const lease = document.getElementById("lease");
  runsOutAt = lease?.dataset.seconds ? Date.now() + Number(lease.dataset.seconds) * 1000 : null;
  tick();
}

function heartbeat() {
  const lease = document.getElementById("lease");
  if (lease && !document.hidden) lease.dispatchEvent(new CustomEvent("heartbeat"));
}

// How long an answer can still be changed.
function tickCountdown() {
  const countdown = document.querySelector("[data-countdown]");
  if (!countdown) return;
  const left = Math.max(Number(countdown.dataset.countdown) - 1, 0);
  countdown.dataset.countdown = left;
  countdown.textContent = left ? `${left} s left` : "Too late to change";
}

function tick() {
  const clock = document.querySelector("[data-clock]");
  if (!clock || runsOutAt === null) return;
  const left = Math.max(Math.round((runsOutAt - Date.now()) / 1000), 0);
  const low = left <= LOW_SECONDS;
  clock.classList.toggle("clock-low", low);
  clock.textContent = low ? remaining(left) : clock.dataset.clock;
  if (low && !warned) {
    warned = true;
    announce("Your hold on this task runs out in two minutes. Press full stop to keep it.");
  }
}

function remaining(seconds) {
  if (!seconds) return "Your hold has run out; you can still save if nobody else took it";
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
}
