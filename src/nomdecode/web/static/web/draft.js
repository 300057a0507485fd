// Keeps what is typed into the scorecard: every few seconds, when its page is left, and again
// after it failed.

const form = document.getElementById("scorecard");
const PAUSE = 800;
const LONGEST = 3000; // for who types on and on
const AGAIN = 10_000;
const sent = new WeakMap(); // request -> what it took along
let kept = typed();
let number = 0; // of what this page has sent
let pause, limit, submitted;

function typed() {
  const fields = new FormData(form);
  for (const name of ["csrfmiddlewaretoken", "draft_version"]) fields.delete(name);
  return new URLSearchParams(fields).toString();
}

function keep() {
  clearTimeout(pause);
  clearTimeout(limit);
  limit = undefined;
  if (typed() !== kept) window.htmx?.trigger(form, "keep");
}

function failed(status, signedOut) {
  const region = document.getElementById("kept");
  const lost = status === 0 || status >= 500;
  const why = signedOut ? ": you are signed out" : lost ? ": no connection. It is tried again" : "";
  region.replaceChildren(region.querySelector("[name=draft_version]"), `Not kept${why}.`);
  form.querySelector("dialog[open]")?.close(); // what has failed is said behind it
  kept = null;
  clearTimeout(pause);
  if (lost) pause = setTimeout(keep, AGAIN);
}

const isSignIn = (html) => html.includes('data-page="plain"');

form.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(keep, PAUSE);
  limit ??= setTimeout(keep, LONGEST);
});
form.addEventListener("submit", () => (submitted = true));
addEventListener("pageshow", () => (submitted = false));
form.addEventListener("htmx:configRequest", ({ detail }) => (detail.parameters.number = ++number));
form.addEventListener("htmx:beforeSend", ({ detail }) => sent.set(detail.xhr, typed()));
form.addEventListener("htmx:afterRequest", ({ detail: { xhr, successful } }) => {
  const signedOut = isSignIn(xhr.responseText);
  if (successful && !signedOut) kept = sent.get(xhr);
  else failed(xhr.status, signedOut);
});
addEventListener("online", keep);
document.addEventListener("signed-in", keep);

// The browser sends this to its end though the page is gone.
function leave() {
  if (submitted || typed() === kept) return;
  kept = typed();
  const body = new URLSearchParams(new FormData(form));
  body.set("number", ++number);
  fetch(form.getAttribute("hx-post"), { method: "POST", body, keepalive: true })
    .then(async (answer) => {
      const html = await answer.text();
      if (!answer.ok || isSignIn(html)) failed(answer.status, answer.ok);
      else window.htmx?.swap("#kept", html, { swapStyle: "outerHTML" });
    })
    .catch(() => failed(0));
}
addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => document.hidden && leave());
