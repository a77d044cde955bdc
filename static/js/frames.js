// The frames around what others wrote: searching in long texts, and the way from the output to the passage it cites.
// Found words are painted by the browser; the text itself is never touched.

const MOST_FOUND = 1000;

let found = []; // ranges of the frame that was searched last
let now = 0;

export function startFrames() {
  document.addEventListener("click", onClick);
  document.addEventListener("input", (event) => event.target.matches("[data-search]") && search(event.target));
  document.addEventListener("keydown", onKey);
}

function onClick(event) {
  const link = event.target.closest("a[data-passage]");
  const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!target) return;
  event.preventDefault();
  reveal(target);
  target.scrollIntoView({ block: target.matches("details") ? "nearest" : "center" });
  (target.matches("details") ? target.querySelector("summary") : target).focus({ preventScroll: true });
}

function reveal(target) {
  for (let each = target.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
  if (target.checkVisibility()) return;
  const plain = target.closest(".untrusted")?.querySelector('[data-view="text"]');
  if (plain) plain.checked = true;
}

function onKey(event) {
  if (event.key !== "Enter" || !event.target.matches("[data-search]")) return;
  event.preventDefault();
  if (found.length) go(now + (event.shiftKey ? -1 : 1), event.target);
}

function search(box) {
  const frame = box.closest(".untrusted");
  const words = box.value.toLowerCase();
  for (const rest of words ? frame.querySelectorAll(".rest") : []) rest.open = true;
  found = words ? matches(frame, words) : [];
  CSS.highlights?.set("found", new Highlight(...found));
  if (found.length) go(0, box);
  else say(box, words ? "not found" : "");
}

// A word may go over the bounds of marks, passages and what is shown at once: the text is put together before.
function matches(frame, words) {
  const nodes = [];
  let text = "";
  for (const part of frame.querySelectorAll(".untrusted-text, .formatted")) {
    if (!part.checkVisibility()) continue;
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      nodes.push([text.length, walker.currentNode]);
      text += lowered(walker.currentNode.data);
    }
  }
  return rangesOf(words, text, nodes);
}

function rangesOf(words, text, nodes) {
  const ranges = [];
  let node = 0;
  for (let at = text.indexOf(words); at >= 0 && ranges.length < MOST_FOUND; at = text.indexOf(words, at + words.length)) {
    const range = document.createRange();
    while (node + 1 < nodes.length && nodes[node + 1][0] <= at) node += 1;
    range.setStart(nodes[node][1], at - nodes[node][0]);
    let last = node;
    while (last + 1 < nodes.length && nodes[last + 1][0] < at + words.length) last += 1;
    range.setEnd(nodes[last][1], at + words.length - nodes[last][0]);
    ranges.push(range);
  }
  return ranges;
}

// Some letters get longer when they are lowered; then places would no longer fit.
function lowered(text) {
  const low = text.toLowerCase();
  return low.length === text.length ? low : text;
}

function go(to, box) {
  now = (to + found.length) % found.length;
  CSS.highlights?.set("found-now", new Highlight(found[now]));
  found[now].startContainer.parentElement.scrollIntoView({ block: "nearest" });
  scrollTo(found[now]);
  say(box, `${now + 1} of ${found.length === MOST_FOUND ? "at least " : ""}${found.length}`);
}

// The frame scrolls in itself, and a text of one line is one element: only the range knows where its words are.
function scrollTo(range) {
  const place = range.getBoundingClientRect();
  const box = range.startContainer.parentElement.closest(".untrusted-text, .formatted");
  const bounds = box.getBoundingClientRect();
  box.scrollTop += place.top - bounds.top - box.clientHeight / 2;
}

function say(box, words) {
  box.closest(".search").querySelector("output").textContent = words;
}
