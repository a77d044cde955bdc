// Notices at the foot of the page: those the server sends, and those for requests that failed.

const FAILED = {
  0: "No connection. Nothing was lost on this page; try again in a moment.",
  401: "You are logged out. Your text is still on this page: log in again in another tab, then save here.",
  403: "This was refused. Reload the page: you may have been logged out.",
  404: "This is not there any more. Your text is still on this page.",
  429: "Too many requests. Wait a moment and try again.",
};
const SERVER_FAILED = "The server could not do this. Nothing was lost on this page; try again in a moment.";
const SHOWN_SECONDS = 8;

export function startNotices() {
  document.body.addEventListener("htmx:sendError", () => announce(FAILED[0], "error"));
  document.body.addEventListener("htmx:timeout", () => announce(FAILED[0], "error"));
  document.body.addEventListener("htmx:responseError", (event) => {
    announce(FAILED[event.detail.xhr.status] || SERVER_FAILED, "error");
  });
  document.body.addEventListener("click", (event) => event.target.closest("[data-close]")?.closest(".notice").remove());
  document.body.addEventListener("htmx:oobAfterSwap", arrange);
  arrange();
}

export function announce(text, kind = "info", seconds = SHOWN_SECONDS) {
  const notice = document.createElement("div");
  const words = document.createElement("p");
  notice.className = `notice notice-${kind}`;
  words.textContent = text;
  notice.append(words);
  document.getElementById("notices").append(notice);
  leaveLater(notice, seconds);
}

function arrange() {
  for (const button of document.querySelectorAll("#notices [data-close]")) button.hidden = false;
  for (const notice of document.querySelectorAll("#notices [data-seconds]")) leaveLater(notice, Number(notice.dataset.seconds));
}

// Not while somebody is reading it with the pointer or the focus on it.
function leaveLater(notice, seconds) {
  setTimeout(() => {
    if (notice.matches(":hover, :focus-within")) leaveLater(notice, 2);
    else notice.remove();
  }, seconds * 1000);
}
