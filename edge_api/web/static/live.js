// Keeps a page fresh while it is open: listens to the stream, fetches what has changed and puts it in place.
// Without it every view can still be read; nothing here writes text into the page but what the server made.

const CARDS_AFTER_MS = 300; // many readings arrive in one commit
const PAGE_AFTER_MS = 500;
const MOST_KEYS = 40; // as the server allows
const main = document.querySelector("main");
const lost = document.getElementById("lost");
const changed = new Set();
let cardsDue = 0;
let pageDue = 0;
let fetching = false;

function inUse(element) {
  // What a person is typing into, or has opened, stays as it is; what has a name of its own is opened again.
  const open = element.querySelector("details[open]:not([id])");
  const filled = [...element.querySelectorAll("input:not([type=hidden]), textarea")].some(
    (each) => each.value !== each.defaultValue,
  );
  const at = document.activeElement;
  return filled || open !== null || (element.contains(at) && !named(at));
}

function named(element) {
  // The head of a part that opens and closes, and has a name by which it is found again.
  return element.closest("details[id] > summary")?.parentElement.id;
}

async function made(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!answer.ok || answer.redirected) throw new Error(`${address}: ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function replace(old, fresh) {
  for (const each of fresh?.querySelectorAll("details[id]") ?? []) {
    each.open = document.getElementById(each.id)?.open ?? each.open;
  }
  if (!fresh || old.isEqualNode(fresh)) return;
  const at = old.contains(document.activeElement) && named(document.activeElement);
  old.replaceWith(document.adoptNode(fresh));
  if (at) document.getElementById(at)?.querySelector("summary").focus();
}

async function cards() {
  cardsDue = 0;
  const keys = [...changed].slice(0, MOST_KEYS);
  keys.forEach((key) => changed.delete(key));
  if (keys.length === 0) return;
  const query = new URLSearchParams(keys.map((key) => ["key", key]));
  try {
    const fresh = await made(`/live/cards?${query}`);
    for (const key of keys) {
      const old = document.getElementById(key);
      if (old && !old.contains(document.activeElement)) replace(old, fresh.getElementById(key));
    }
  } catch {
    lost.hidden = false;
  }
  if (changed.size > 0) soonCards();
}

async function page() {
  pageDue = 0;
  if (fetching) return;
  fetching = true;
  try {
    // A page that answered a form cannot be asked for again: its living part says where to ask.
    const apart = document.querySelector("[data-from]");
    if (apart) {
      replace(apart, (await made(apart.dataset.from)).getElementById(apart.id));
      return;
    }
    const fresh = await made(location.href);
    for (const old of document.querySelectorAll("[data-part]")) {
      if (!inUse(old)) replace(old, fresh.getElementById(old.id));
    }
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  } finally {
    fetching = false;
  }
}

function soonCards() {
  cardsDue ||= setTimeout(cards, CARDS_AFTER_MS);
}

function soonPage() {
  pageDue ||= setTimeout(page, PAGE_AFTER_MS);
}

function follow() {
  const stream = new EventSource("/v1/stream");
  stream.addEventListener("open", () => {
    lost.hidden = true;
    soonPage(); // what happened after the page was made and before the stream was open was not heard
  });
  stream.addEventListener("error", () => {
    lost.hidden = false;
  });
  stream.addEventListener("reading", (event) => {
    const { asset } = JSON.parse(event.data);
    if (main.dataset.asset === asset) soonPage();
    if (main.dataset.live !== "cards" || !document.getElementById(asset)) return;
    changed.add(asset);
    soonCards();
  });
  stream.addEventListener("alert", soonPage);
  addEventListener("pagehide", () => stream.close());
}

if (main?.dataset.live) follow();
const everyS = Number(main?.dataset.poll);
if (everyS > 0) {
  setInterval(() => {
    if (!document.hidden) soonPage();
  }, everyS * 1000);
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
