// Asks the emulator for its state once a second while the tab is in view, and shows it.

import { byId, copyButton, make, say } from "./dom.js";
import { changes, show, summary } from "./panels.js";
import { offer, preparePrompt, tryOut } from "./prompt.js";

const POLL_INTERVAL = 1000;
const SLOWEST = 8000;

let shown = null;
let failures = 0;
let timer = null;

async function poll() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    update(await getJSON("/_emulator/state"));
    failures = 0;
    gone(null);
  } catch (error) {
    failures += 1;
    gone(error);
  }
  timer = setTimeout(poll, Math.min(POLL_INTERVAL * 2 ** failures, SLOWEST));
}

function update(state) {
  offer(state);
  show(state, tryOut);
  const changed = changes(shown, state);
  if (changed.length) say(byId("announcements"), changed.join("; "));
  shown = state;
}

function gone(error) {
  const alert = byId("gone");
  alert.hidden = !error;
  say(alert, error ? `${error.message} ${shown ? "The figures below are the last ones that arrived." : ""}` : "");
  document.body.classList.toggle("stale", Boolean(error));
  byId("connection").dataset.state = error ? "gone" : "live";
  say(byId("connection"), error ? "No answer" : `Live: ${summary(shown)}`);
  document.title = error ? "No answer – tunesmith emulator" : `${summary(shown)} – tunesmith emulator`;
}

async function getJSON(path) {
  const response = await fetch(path, { cache: "no-store" }).catch(() => {
    throw new Error("The emulator does not answer. Start it again with “tunesmith emulator serve”; this page reconnects by itself.");
  });
  if (!response.ok) throw new Error(`The emulator answered ${response.status} to ${path}.`);
  return response.json();
}

async function showCredentials() {
  try {
    const blocks = await getJSON("/_emulator/credentials");
    byId("credentials").replaceChildren(
      ...credentials("Python", blocks.python), ...credentials("Environment", blocks.environment));
  } catch (error) {
    byId("credentials").replaceChildren(make("p", { class: "failure" }, error.message));
  }
}

const credentials = (title, text) => [
  make("div", { class: "head" }, make("h3", {}, title), copyButton(`the ${title} block`, () => text)),
  make("pre", { tabindex: "0", "aria-label": title }, make("code", {}, text)),
];

preparePrompt();
document.addEventListener("visibilitychange", poll);
showCredentials();
poll();
