// Sends the requests of the API reference with the key that was typed in, which is kept nowhere but in its field.

const text = document.querySelector(".reference-text");
const keyForm = text.querySelector("[data-key-form]");
const keyField = keyForm.querySelector("input");
const told = [
  "content-type",
  "x-request-id",
  "ratelimit-policy",
  "ratelimit",
  "retry-after",
  "idempotent-replayed",
  "x-queue-reason",
];

keyForm.hidden = false;
keyForm.addEventListener("submit", (event) => event.preventDefault());
for (const form of text.querySelectorAll("[data-try]")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

async function send(form) {
  const answer = form.querySelector("[data-answer]");
  answer.hidden = false;
  answer.textContent = "Waiting …";
  try {
    answer.textContent = await shown(await fetch(addressOf(form), requestOf(form)));
  } catch (problem) {
    answer.textContent = `No answer: ${problem.message}`;
  }
}

function addressOf(form) {
  let path = form.closest("[data-operation]").dataset.path;
  for (const field of fieldsOf(form, "path")) path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
  const query = new URLSearchParams(filled(form, "query"));
  return text.dataset.base + path + (query.size ? `?${query}` : "");
}

function requestOf(form) {
  const body = form.querySelector("[data-place=body]")?.value;
  const headers = Object.fromEntries(filled(form, "header"));
  if (keyField.value) headers.Authorization = `Bearer ${keyField.value.trim()}`;
  if (body) headers["Content-Type"] = "application/json";
  const method = form.closest("[data-operation]").dataset.method;
  return { method, headers, body: body || undefined, credentials: "omit", cache: "no-store", redirect: "error" };
}

function filled(form, place) {
  return fieldsOf(form, place).filter((field) => field.value).map((field) => [field.name, field.value]);
}

function fieldsOf(form, place) {
  return [...form.querySelectorAll(`[data-place=${place}]`)];
}

async function shown(response) {
  const headers = told.filter((name) => response.headers.has(name)).map((name) => `${name}: ${response.headers.get(name)}`);
  return `${response.status} ${response.statusText}\n${headers.join("\n")}\n\n${readable(await response.text())}`;
}

function readable(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
