// Everything the pages do beyond HTML. Each module finds what it serves by data attributes; no page needs any of it.
import { startDraft } from "./draft.js";
import { startFrames } from "./frames.js";
import { startKeys } from "./keys.js";
import { startNext } from "./next.js";
import { startNotices } from "./notices.js";
import { startPage } from "./page.js";
import { startQuestions } from "./questions.js";
import { startTask } from "./task.js";
import { startWordDiff } from "./word_diff.js";

startPage();
startNotices();
startQuestions();
startKeys();
startFrames();
startTask();
startDraft();
startWordDiff();
startNext();
