// The page Live: what arrives is drawn on top, at most ten times a second and at most 200 rows; how much arrived and how
// much is drawn is told. Rows that nobody sees yet follow once a second. It pauses when somebody scrolls down or says so,
// and tells how many messages wait. A stream that is cut off goes on where it was (Last-Event-ID): the browser does that.

import { defang } from "./lib/defang.js";
import { label } from "./lib/reveal.js";
import { say } from "./lib/say.js";
import { inSlices } from "./lib/slices.js";
import { streamTo, teller } from "./lib/stream.js";
import { visible } from "./lib/visible.js";

const maxRows = 200;
const maxWaiting = 2000;
const speakEvery = 10000; // ms
const unseenEvery = 1000; // ms

const box = document.getElementById("live");
const rows = document.getElementById("live-rows");
const count = document.getElementById("live-count");
const button = document.getElementById("live-pause");

let arrived = 0;
let skipped = 0; // arrived and will never be drawn
let waiting = []; // lines, oldest first
let paused = false;
let behind = 0;
let spoken = 0; // when it was last told to who does not see the page
let due = false;
let unseenDue = false;
let seen = rows ? [...rows.children].map(told) : []; // newest first, one a row

function cell(label, kind) {
  const td = document.createElement("td");
  td.dataset.label = label;
  if (kind) td.className = kind;
  return td;
}

function code(text, kind) {
  const c = document.createElement("code");
  if (kind) c.className = kind;
  c.textContent = text;
  return c;
}

// A message is shown by a row that stays where it is: with each that arrives, what the rows say moves down. Nothing on the
// page moves, and no more is held than is seen.

// facts are what a row says of a message.
function facts(m) {
  const at = new Date(m.time);
  const payload = m.payload ?? atob(m.payload_base64 ?? "");
  return {
    href: "/m/" + m.position.slice(1),
    iso: at.toISOString(),
    title: at.toISOString(),
    clock: clock.format(at),
    channel: visible(m.channel ?? atob(m.channel_base64 ?? "")),
    origin: visible(m.origin ?? ""),
    preview: defang(visible(payload.slice(0, 240)) + (payload.length > 240 ? "…" : "")),
    size: size(m.payload === undefined ? payload.length : new TextEncoder().encode(payload).length),
  };
}

// told reads a row that the server has made.
function told(tr) {
  const [time, channel, origin, payload, size] = tr.cells;
  const t = time.querySelector("time");
  return {
    href: time.querySelector("a").getAttribute("href"), iso: t.dateTime, title: t.title, clock: t.textContent,
    channel: channel.textContent, origin: origin.textContent, preview: payload.textContent, size: size.textContent,
  };
}

function blank() {
  const tr = document.createElement("tr");
  const cells = [cell("Time"), cell("Channel"), cell("From"), cell("Payload", "payload"), cell("Size", "number")];
  const link = document.createElement("a");
  link.append(document.createElement("time"));
  cells[0].append(link);
  const channel = code("", "name");
  channel.dataset.copy = "";
  cells[1].append(channel);
  const origin = document.createElement("span");
  origin.className = "mono";
  cells[2].append(origin);
  cells[3].append(code(""));
  tr.append(...cells);
  return tr;
}

function put(tr, f) {
  const [time, channel, origin, payload, size] = tr.cells;
  const link = time.firstElementChild;
  const t = link.firstElementChild;
  link.setAttribute("href", f.href);
  t.title = f.title;
  t.dateTime = f.iso;
  t.textContent = f.clock;
  channel.firstElementChild.textContent = f.channel;
  label(channel.firstElementChild);
  origin.firstElementChild.textContent = f.origin;
  payload.firstElementChild.textContent = f.preview;
  size.textContent = f.size;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  timeStyle: "medium", timeZone: document.documentElement.dataset.zone || "UTC",
});

function size(n) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (n < 1024) return (unit === "B" ? n : n.toFixed(1)) + "\u2009" + unit;
    n /= 1024;
  }
  return n.toFixed(1) + "\u2009GiB";
}

const group = new Intl.NumberFormat("fr-FR");

function tell() {
  const parts = [`${group.format(arrived)} arrived`];
  if (paused) parts.push(`${group.format(waiting.length)} wait`);
  if (skipped > 0) parts.push(`${group.format(skipped)} not drawn`);
  if (behind > 1) parts.push(`${behind} s behind`);
  count.textContent = parts.join(" · ");
  if (arrived > 0 && Date.now() - spoken >= speakEvery) {
    spoken = Date.now();
    say(count.textContent);
  }
  button.textContent = paused ? `Show ${group.format(waiting.length)} more` : "Pause";
}

// near is how many rows are on the screen, or nearly.
function near() {
  const first = rows.firstElementChild?.offsetHeight || 1;
  return Math.ceil((1.5 * innerHeight) / first);
}

function fill(i) {
  if (i < seen.length) put(rows.children[i] ?? rows.appendChild(blank()), seen[i]);
}

function draw() {
  due = false;
  if (!paused && waiting.length > 0) {
    const top = near();
    const lines = waiting.splice(0);
    const shown = lines.slice(-maxRows);
    skipped += lines.length - shown.length;
    seen = [...shown.map((line) => facts(JSON.parse(line))).reverse(), ...seen].slice(0, maxRows);
    for (let i = 0; i < top; i++) fill(i);
    document.getElementById("live-empty")?.remove();
    if (!unseenDue) {
      unseenDue = true;
      setTimeout(drawUnseen, unseenEvery, top);
    }
  }
  tell();
}

async function drawUnseen(top) {
  await inSlices([...seen.keys()].slice(top), fill);
  unseenDue = false;
}

function schedule() {
  if (due) return;
  due = true;
  setTimeout(() => requestAnimationFrame(draw), 100);
}

function take(event) {
  behind = 0;
  for (const line of event.data.split("\n")) {
    if (line.startsWith('{"behind":')) {
      behind = JSON.parse(line).behind;
    } else if (line.startsWith('{"gap":')) {
      continue; // retention has taken what was there
    } else {
      arrived++;
      waiting.push(line);
    }
  }
  if (waiting.length > maxWaiting) skipped += waiting.splice(0, waiting.length - maxWaiting).length;
  schedule();
}

function pause(value) {
  if (value && !paused) seen.forEach((_, i) => fill(i)); // from here on they are looked at
  paused = value;
  schedule();
}

if (box && window.EventSource) {
  streamTo(box.dataset.stream, { messages: take }, teller(document.getElementById("live-trouble")));
  button.hidden = false;
  button.addEventListener("click", () => {
    if (paused) scrollTo({ top: 0 });
    pause(!paused);
  });
  addEventListener("scroll", () => {
    const down = rows.getBoundingClientRect().top < 0;
    if (down && !paused) pause(true);
    if (!down && scrollY === 0 && paused) pause(false);
  }, { passive: true });
  tell();
}
