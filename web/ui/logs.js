// The page Logs: when something new was refused, the table is fetched anew, as the server makes it. While one of its
// explanations is open, it stays as it is, and a button shows what is new.
import { streamTo, teller } from "./lib/stream.js";

const status = document.getElementById("logs-live");
const pause = 1000; // ms between two looks, at least

let due = false;

function table() {
  return document.getElementById("logs");
}

function busy() {
  return table().querySelector("details[open]") !== null;
}

function newest() {
  return Math.max(0, ...[...table().querySelectorAll("tr[data-index]")].map((row) => Number(row.dataset.index)));
}

function offer() {
  const button = document.createElement("button");
  button.textContent = "There is something new: show it";
  button.addEventListener("click", () => {
    status.replaceChildren();
    show();
  });
  status.replaceChildren(button);
}

async function show() {
  due = false;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("logs");
  if (!fresh) return;
  const before = newest();
  table().replaceWith(fresh);
  for (const row of fresh.querySelectorAll("tr[data-index]")) {
    if (Number(row.dataset.index) > before) row.classList.add("arrived");
  }
}

function heard() {
  if (busy()) {
    offer();
    return;
  }
  if (due) return;
  due = true;
  setTimeout(show, pause);
}

if (table()?.dataset.stream) {
  streamTo(table().dataset.stream, { logs: heard }, (text, address) => {
    if (text || !status.querySelector("button")) teller(status)(text, address);
  });
}
