// The palette: what is typed into <input data-search> is asked of /jump, and what that suggests is a list below. Arrows
// choose, Enter goes there, Escape closes. With nothing chosen Enter searches, as without script.
const field = document.querySelector("input[data-search]");
const list = document.getElementById("jump");
const pause = 80; // ms without a key, before it asks

let asked, timer, chosen = -1;

function close() {
  clearTimeout(timer);
  asked?.abort();
  list.hidden = true;
  field.setAttribute("aria-expanded", "false");
  forget();
}

// forget takes back a choice.
function forget() {
  field.removeAttribute("aria-activedescendant");
  list.children[chosen]?.setAttribute("aria-selected", "false");
  chosen = -1;
}

function choose(n) {
  const options = [...list.children];
  if (options.length === 0) return;
  chosen = (n + options.length) % options.length;
  options.forEach((o, i) => o.setAttribute("aria-selected", i === chosen));
  options[chosen].scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", options[chosen].id);
}

async function ask() {
  asked?.abort();
  asked = new AbortController();
  try {
    const answer = await fetch("/jump?q=" + encodeURIComponent(field.value), { signal: asked.signal });
    if (answer.redirected) location.reload(); // the session has ended
    if (!answer.ok || answer.redirected) return;
    list.innerHTML = await answer.text(); // of our templates, which escape
  } catch {
    return; // another key was faster, or the server is away
  }
  const some = list.childElementCount > 0;
  list.hidden = !some;
  field.setAttribute("aria-expanded", some);
  forget();
  const first = list.firstElementChild;
  if (some && field.value.trim() !== "" && first.tagName !== "BUTTON") choose(0); // who acts has chosen to
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(ask, pause);
}

// typed: what was chosen was for another text.
function typed() {
  forget();
  soon();
}

// left closes the list at once when the focus goes on to what the list may cover. A click that gives the focus to
// nothing may be on an option: it comes after the blur.
function left(event) {
  clearTimeout(timer);
  if (list.contains(event.relatedTarget)) return;
  if (event.relatedTarget) close();
  else setTimeout(close, 150);
}

function key(event) {
  switch (event.key) {
    case "ArrowDown":
    case "ArrowUp":
      if (list.hidden) return soon();
      choose(chosen < 0 && event.key === "ArrowUp" ? -1 : chosen + (event.key === "ArrowDown" ? 1 : -1));
      break;
    case "Escape":
      if (list.hidden) return;
      close();
      break;
    case "Enter":
      if (list.hidden || chosen < 0) return;
      list.children[chosen].click();
      break;
    default:
      return;
  }
  event.preventDefault();
}

if (field && list) {
  for (const [name, value] of Object.entries({ role: "combobox", "aria-controls": "jump", "aria-expanded": "false", "aria-autocomplete": "list" })) {
    field.setAttribute(name, value);
  }
  field.addEventListener("input", typed);
  field.addEventListener("focus", soon);
  field.addEventListener("keydown", key);
  document.addEventListener("pointerdown", (event) => event.target.closest(".jump") || close());
  field.addEventListener("blur", left);
}
