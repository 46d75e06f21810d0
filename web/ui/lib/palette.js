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
  field.removeAttribute("aria-activedescendant");
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
  field.removeAttribute("aria-activedescendant");
  chosen = -1;
  if (some && field.value.trim() !== "") choose(0);
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(ask, pause);
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
  field.addEventListener("input", soon);
  field.addEventListener("focus", soon);
  field.addEventListener("keydown", key);
  document.addEventListener("pointerdown", (event) => event.target.closest(".jump") || close());
  field.addEventListener("blur", (event) => list.contains(event.relatedTarget) || setTimeout(close, 150));
}
