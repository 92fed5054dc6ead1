// What every page needs: ages, live values, copy, confirm. Pages work without it.
// Data from the station only ever goes into textContent and attributes.

const root = document.documentElement;
const language = root.lang.startsWith("zh") ? "zh-CN" : "en";
const zone = validZone(root.dataset.zone);

function validZone(name) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}

// ---- times ----

const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone, hourCycle: "h23", timeZoneName: "short",
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

function age(date, now = Date.now()) {
  // A device's clock may be a little ahead of ours: "now" reads better than "in 2 sec.".
  const seconds = Math.round((date - now) / 1000);
  if (seconds > -10 && seconds < 60) return relative.format(0, "second");
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  return relative.format(Math.trunc(seconds / length), unit);
}

function absolute(date) {
  const part = Object.fromEntries(clock.formatToParts(date).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second} ${part.timeZoneName}`;
}

function setText(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

export function showAge(time) {
  const date = new Date(time.dateTime);
  if (isNaN(date)) return;
  setText(time, age(date));
  const title = zone === "UTC" ? absolute(date) : `${absolute(date)} (${zone})`;
  if (time.title !== title) time.title = title;
}

function showAges() {
  document.querySelectorAll("time[data-age]").forEach(showAge);
}

function moveTime(time, iso) {
  // Uplinks can arrive out of order; an older one must not turn the clock back.
  if (!(new Date(iso) > new Date(time.dateTime || 0))) return;
  time.dateTime = iso;
  if ("age" in time.dataset) showAge(time);
  else if ("clock" in time.dataset) setText(time, absolute(new Date(iso)));
}

showAges();
setInterval(showAges, 10_000);

// What changes while long work goes on: fetched again with its page.
async function showFresh(part) {
  if (document.hidden) return;
  const answer = await fetch(location.pathname).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(`[data-fresh="${part.dataset.fresh}"]`);
  if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
}
for (const part of document.querySelectorAll("[data-fresh]")) setInterval(showFresh, 3_000, part);
// Timers sleep in hidden tabs.
document.addEventListener("visibilitychange", () => document.hidden || showAges());

// ---- live ----

const quoted = (text) => `"${CSS.escape(String(text))}"`;

function mark(element) {
  element.classList.remove("changed");
  void element.offsetWidth; // Reading a size lets the animation start again.
  element.classList.add("changed");
  setTimeout(() => element.classList.remove("changed"), 2_500);
}

function showUplink({ eui, received_at, state, readings = [] }) {
  for (const { channel, measurement, value, measured_at } of readings) {
    const key = quoted(`${eui}/${channel}/${measurement}`);
    const times = document.querySelectorAll(`time[data-at=${key}]`);
    const stale = [...times].some((time) => new Date(time.dateTime) > new Date(measured_at));
    if (stale) continue;
    for (const cell of document.querySelectorAll(`[data-value=${key}]`)) {
      if (setText(cell, String(value))) mark(cell);
    }
    times.forEach((time) => moveTime(time, measured_at));
  }
  document.querySelectorAll(`time[data-heard=${quoted(eui)}]`).forEach((time) => moveTime(time, received_at));
  if (state !== "online") return;
  for (const element of document.querySelectorAll(`[data-state=${quoted(eui)}]`)) {
    if (element.classList.contains("online")) continue;
    element.className = "state online";
    setText(element, element.dataset.onlineText ?? "");
    mark(element);
  }
}

function connect(url) {
  const lights = document.querySelectorAll("[data-live-state]");
  const show = (on) => lights.forEach((light) => {
    light.classList.toggle("on", on);
    light.classList.toggle("off", !on);
  });
  const source = new EventSource(url);
  source.addEventListener("open", () => show(true));
  source.addEventListener("error", () => show(false));
  source.addEventListener("uplink", (event) => {
    let uplink;
    try {
      uplink = JSON.parse(event.data);
    } catch {
      return;
    }
    const waiting = document.querySelector("[data-await]");
    if (waiting?.dataset.await === uplink.source) {
      source.close();
      location.assign(waiting.dataset.next);
      return;
    }
    showUplink(uplink);
    // chart.js and map.js listen to this; they need no connection of their own.
    document.dispatchEvent(new CustomEvent("senstation:uplink", { detail: uplink }));
  });
  return source;
}

const events = document.body.dataset.live;
if (events) {
  let source = connect(events);
  // A page kept for "back" would hold its connection, and a browser opens only six to one station.
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) source = connect(events);
  });
}

// ---- copy, confirm, small form helpers ----

async function copy(button) {
  const target = document.querySelector(button.dataset.copy);
  if (!target) return;
  try {
    await navigator.clipboard.writeText(target.textContent);
  } catch {
    // Without HTTPS there is no clipboard: select the text, so that Ctrl+C is all that is left to do.
    getSelection().selectAllChildren(target);
    if (!document.execCommand("copy")) return;
  }
  if (button.dataset.label) return; // Still showing the last success.
  button.dataset.label = button.textContent;
  button.textContent = button.dataset.copied || "✓";
  setTimeout(() => {
    button.textContent = button.dataset.label;
    delete button.dataset.label;
  }, 1_500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  event.preventDefault();
  copy(button);
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-submit]")) event.target.form?.requestSubmit();
});

for (const input of document.querySelectorAll("input[data-zone-input]")) {
  input.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
