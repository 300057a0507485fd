// Copy buttons, dialogs, relative times, and a word when a request fails.

const say = (text) => {
  const region = document.getElementById("announce");
  if (region) region.textContent = text;
};

async function copy(button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // No clipboard without HTTPS: select the text beside the button and let the browser copy it.
    const box = button.parentElement.querySelector("input");
    box?.select();
    if (!box || !document.execCommand("copy")) return say("Copying failed: select the text and copy it");
  }
  say("Copied");
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label === "Copied" ? "Copy" : label), 2000);
}

// What others do by themselves, also before this file is read, older browsers are told to do.
const knowsCommands = "commandForElement" in HTMLButtonElement.prototype;

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [commandfor], [data-closes]");
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (!target) return;
  if ("copy" in target.dataset) copy(target);
  const opens = !knowsCommands && target.getAttribute("commandfor");
  if (opens) document.getElementById(opens)?.showModal();
  if ("closes" in target.dataset) target.closest("dialog")?.close();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

const dayNumber = (date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 864e5;

// Says it as templatetags/components.py does.
function relative(moment, now) {
  const seconds = (moment - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  for (const [unit, length, limit] of [["s", 1, 60], ["min", 60, 60], ["h", 3600, 24]]) {
    const count = Math.round(size / length);
    if (count < limit) return seconds > 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
  }
  const days = dayNumber(moment) - dayNumber(now);
  if (Math.abs(days) === 1) return days > 0 ? "tomorrow" : "yesterday";
  if (Math.abs(days) < 7) return days > 0 ? `in ${days} days` : `${-days} days ago`;
  return null; // A date stays a date.
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = relative(new Date(time.dateTime), new Date());
    if (words && words !== time.textContent) time.textContent = words;
  }
}, 60_000);

const trouble = document.getElementById("trouble");
let hiding;

function complain(text) {
  if (!trouble) return;
  trouble.textContent = text;
  trouble.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (trouble.hidden = true), 10_000);
}

// A part that reloads by itself fails quietly: it tries again at the next event. So does a draft.
const byHand = (event) => !/^(live:|load|every|keep)/.test(event.detail.requestConfig?.triggeringEvent?.type ?? "load");

document.addEventListener("htmx:sendError", (event) => {
  if (byHand(event)) complain("The server did not answer. Check the connection, then try again.");
});
document.addEventListener("htmx:responseError", async (event) => {
  // After signing in anew in another tab the page's token is an old one.
  const renewed = event.detail.xhr?.status === 403 && (await renew());
  if (!byHand(event)) return;
  complain(renewed ? "That did not work. Try once more." : "That did not work. Load the page again, then try once more.");
});

// A part of a page answered with the sign-in page: the session has ended.
const isSignIn = (html) => html?.includes('data-page="plain"');
const signedOut = document.getElementById("signed-out");

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isSignIn(event.detail.serverResponse)) return;
  if (document.body.dataset.page === "plain") return;
  event.detail.shouldSwap = false;
  if (signedOut && hasUnsent()) signedOut.hidden = false;
  else location.reload();
});

// Something is typed or chosen that the page did not come with.
const hasUnsent = () =>
  [...document.querySelectorAll("form[method=post]")].some((form) => [...form.elements].some(isChanged));

function isChanged(field) {
  if (field.type === "radio" || field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field.matches("input, textarea")) return field.value !== field.defaultValue;
  const options = [...(field.options ?? [])];
  return options.some((each) => each.defaultSelected) && options.some((each) => each.selected !== each.defaultSelected);
}

// Takes over the token of the new session, so that what is typed can be sent; whether it could.
let lastRenewal = -Infinity;
async function renew() {
  if (performance.now() - lastRenewal < 2000) return false;
  lastRenewal = performance.now();
  const html = await fetch("/").then((answer) => answer.text()).catch(() => "");
  const { body } = new DOMParser().parseFromString(html, "text/html");
  // Somebody else may have signed in: this was not typed by them.
  if (!body.dataset.member || body.dataset.member !== document.body.dataset.member) return false;
  const headers = body.getAttribute("hx-headers");
  document.body.setAttribute("hx-headers", headers);
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) {
    field.value = JSON.parse(headers)["X-CSRFToken"];
  }
  signedOut.hidden = true;
  document.dispatchEvent(new Event("signed-in"));
  return true;
}

const lookAgain = () => signedOut && !signedOut.hidden && !document.hidden && renew();
addEventListener("focus", lookAgain);
document.addEventListener("visibilitychange", lookAgain);
