// <button data-copy="text"> copies the text, <code data-copy> its own, <button data-copy-from="ID"> what the element
// shows or its field holds.
// The button says so for a moment; a clipboard that is refused (plain http) has the text selected instead.
import { say } from "./say.js";

const shownFor = 2000; // ms

async function copy(button) {
  const from = document.getElementById(button.dataset.copyFrom) ?? button;
  const text = button.dataset.copy || from.value || from.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(from);
    say("The clipboard is not open to this page: copy the selected text.");
    return;
  }
  say("Copied.");
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, shownFor);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (button && !button.closest("a")) copy(button);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches("code[data-copy]") || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  copy(event.target);
});
