// Tells the parts of the page which wait for "live:<topic>" that their thing has changed.

const address = document.body.dataset.live;
const LONGEST_WAIT = 30_000;
const SETTLES = 50; // longer than htmx takes until a new part listens
const GATHERS = 20; // the events of one change come together
const APART = 100;
const waiting = new Set();
const asked = new Set(); // requests on the way
let flushed = -APART;
let source = null;
let wait = 1000;
let timer;

const topicsOnPage = () =>
  [...document.querySelectorAll('[hx-trigger*="live:"]')].flatMap((part) =>
    [...part.getAttribute("hx-trigger").matchAll(/live:([\w-]+)/g)].map((match) => match[1]),
  );

// The first event is followed at once, with what comes along; all others of the next tenth of a
// second cost one request together.
function ring(topic) {
  if (waiting.size === 0) setTimeout(flush, Math.max(GATHERS, flushed + APART - performance.now()));
  waiting.add(topic);
}

// htmx forgets what is asked of a part whose answer is on the way: it is asked again after that.
function flush() {
  if (waiting.size === 0 || asked.size > 0) return;
  const heard = topicsOnPage().filter((topic) => waiting.has("*") || waiting.has(topic));
  waiting.clear();
  if (heard.length > 0) flushed = performance.now(); // what no part waits for holds no other up
  for (const topic of new Set(heard)) window.htmx?.trigger(document.body, `live:${topic}`);
}

document.addEventListener("htmx:beforeSend", ({ detail: { xhr } }) => {
  asked.add(xhr);
  const over = () => asked.delete(xhr) && flush();
  xhr.addEventListener("loadend", () => setTimeout(over, SETTLES));
});

function connect() {
  source = new EventSource(address);
  source.onmessage = (event) => {
    wait = 1000;
    ring(JSON.parse(event.data).topic);
  };
  source.onerror = () => {
    disconnect();
    timer = setTimeout(reconnect, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };
}

// What was said while nobody listened is lost: every part looks again.
function reconnect() {
  connect();
  source.addEventListener("open", () => ring("*"), { once: true });
}

function disconnect() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

// htmx gives what is asked for on loading, or some time after it, no event.
const byItself = ({ requestConfig }) =>
  requestConfig && /^(live:|load)/.test(requestConfig.triggeringEvent?.type ?? "load");

// A part that is as it was is left alone: no click or selection falls between two of the same.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (byItself(detail) && same(detail.target, detail.xhr.responseText)) detail.shouldSwap = false;
});

function same(part, html) {
  const answer = document.createElement("template");
  answer.innerHTML = html.trim();
  const within = part.getAttribute("hx-swap") === "innerHTML";
  const next = within ? part.cloneNode(false) : answer.content.firstElementChild;
  if (within) next.append(answer.content);
  else if (answer.content.children.length !== 1) return false;
  return asSent(next) === asSent(part);
}

// Without what htmx and the reader have changed since, and without the token, which is always new.
function asSent(part) {
  const copy = part.cloneNode(true);
  for (const each of [copy, ...copy.querySelectorAll("*")]) {
    each.classList.remove("htmx-request", "htmx-added", "htmx-settling", "htmx-swapping");
    if (!each.getAttribute("class")) each.removeAttribute("class");
    if (each.matches("details")) each.removeAttribute("open");
    if (each.matches("[name=csrfmiddlewaretoken]")) each.removeAttribute("value");
    if (each !== copy && each.matches("[hx-preserve]")) each.replaceChildren();
  }
  return copy.outerHTML.replace(/\s+/g, " ");
}

// A part that is put anew would take its open dialog with it: it looks again once that is closed.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const dialog = detail.shouldSwap && byItself(detail) && detail.target.querySelector("dialog[open]");
  if (!dialog) return;
  detail.shouldSwap = false;
  dialog.addEventListener("close", () => ring("*"), { once: true });
});

// What the reader has unfolded stays so when its part is put anew; each needs an id.
const unfolded = new Set();
document.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
  if (shouldSwap === false) return;
  for (const { id } of target.querySelectorAll("details[id][open]")) unfolded.add(id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  unfolded.clear();
});

if (address) {
  connect();
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => event.persisted && reconnect());
}
