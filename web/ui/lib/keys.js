// Keys. "/" and Ctrl-K or Cmd-K go to the search field <input data-search>; without one, to the page /search. "g" and
// then the data-key of a link of the rail goes there; "j" and "k" walk the rows of a table; "n" is what the page has as
// data-new; "?" shows <dialog id="keys">.
// <html data-keys="off"> switches single keys off, for people whose voice or hands press them unasked (WCAG 2.1.4).
const chordTime = 1500; // ms between g and what follows

let gone = 0; // when g was pressed

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable], dialog[open]") !== null;
}

function search() {
  const field = document.querySelector("input[data-search]");
  if (!field) {
    location.assign("/search");
    return;
  }
  field.focus();
  field.select();
}

function walk(step) {
  const rows = [...document.querySelectorAll("main tbody tr")];
  const row = rows[rows.indexOf(document.activeElement?.closest("tr")) + step] ?? (step > 0 ? null : rows[0]);
  if (!row) return;
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

function make() {
  const it = document.querySelector("[data-new]");
  if (it?.href) it.click();
  else it?.focus();
}

const single = {
  "/": search, j: () => walk(1), k: () => walk(-1), n: make, g: () => { gone = Date.now(); },
  "?": () => document.getElementById("keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    search();
    return;
  }
  if (document.documentElement.dataset.keys === "off" || typing(event.target)) return;
  const follows = Date.now() - gone < chordTime;
  gone = 0;
  const target = follows && document.querySelector(`.rail a[data-key="${CSS.escape(event.key)}"]`);
  if (target) {
    target.click();
  } else if (!single[event.key]) {
    return;
  } else {
    single[event.key]();
  }
  event.preventDefault();
});

// Enter on a row of a table goes where its first link goes.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("main tbody tr")) event.target.querySelector("a[href]")?.click();
});
