// What a correction changes, word by word, while it is typed. Text only: nothing of it is ever read as HTML.

const WORDS = /\s+|[\p{L}\p{N}\p{M}_]+|[^\s]/gu;
const HIDDEN = /[\p{Cf}\p{Cc}\p{Co}\p{Cn}]/gu;
const MOST_CELLS = 250_000; // of the table that finds the longest common subsequence: a few milliseconds

export function startWordDiff() {
  document.addEventListener("input", (event) => event.target.matches?.("[data-compare]") && show(event.target));
  document.body.addEventListener("htmx:load", showAll);
  showAll();
}

function showAll() {
  for (const field of document.querySelectorAll("[data-compare]")) show(field);
}

function show(field) {
  const place = field.parentElement.querySelector("[data-diff]");
  const before = field.dataset.compare;
  place.hidden = !field.value || field.value === before;
  place.replaceChildren(...(place.hidden ? [] : difference(split(before), split(field.value)).map(element)));
}

const split = (text) => text.match(WORDS) ?? [];

function element([kind, words]) {
  const node = document.createElement({ kept: "span", gone: "del", added: "ins" }[kind]);
  node.textContent = words.join("").replace(HIDDEN, mark);
  return node;
}

function mark(character) {
  if (character === "\n" || character === "\t") return character;
  return `[U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
}

// Runs of [kind, words]. What both begin and end with is set aside first; when the rest is too much, it is one change.
export function difference(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const gone = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  const middle = gone.length * added.length > MOST_CELLS ? wholly(gone, added) : aligned(gone, added);
  return runs([...kept(before.slice(0, start)), ...middle, ...kept(before.slice(before.length - end))]);
}

const kept = (words) => words.map((word) => ["kept", word]);

const wholly = (gone, added) => [...gone.map((word) => ["gone", word]), ...added.map((word) => ["added", word])];

function aligned(gone, added) {
  const table = lengths(gone, added);
  const width = added.length + 1;
  const found = [];
  let [row, column] = [0, 0];
  while (row < gone.length && column < added.length) {
    const here = row * width + column;
    if (gone[row] === added[column]) {
      found.push(["kept", gone[row]]);
      row += 1;
      column += 1;
    } else if (table[here + width] >= table[here + 1]) found.push(["gone", gone[row++]]);
    else found.push(["added", added[column++]]);
  }
  return [...found, ...wholly(gone.slice(row), added.slice(column))];
}

// For every pair of tails, how many words they have in common in order.
function lengths(gone, added) {
  const width = added.length + 1;
  const table = new Uint32Array((gone.length + 1) * width);
  for (let row = gone.length - 1; row >= 0; row -= 1) {
    for (let column = added.length - 1; column >= 0; column -= 1) {
      const here = row * width + column;
      table[here] =
        gone[row] === added[column] ? table[here + width + 1] + 1 : Math.max(table[here + width], table[here + 1]);
    }
  }
  return table;
}

function runs(words) {
  const found = [];
  for (const [kind, word] of words) {
    const last = found.at(-1);
    if (last?.[0] === kind) last[1].push(word);
    else found.push([kind, [word]]);
  }
  return found;
}
