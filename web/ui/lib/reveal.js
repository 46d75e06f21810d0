// Controls that do nothing without script: those written as <button hidden data-script> are shown once there is one, and
// <code data-copy>, which copies itself, becomes a button for keys and screen readers.

export function reveal(root) {
  for (const element of root.querySelectorAll("[hidden][data-script]")) {
    element.hidden = false;
  }
  for (const code of root.querySelectorAll("code[data-copy]:not([role])")) {
    if (code.closest("a, button, label, summary")) continue; // those do what they do
    label(code);
  }
}

// label makes a <code data-copy> the button that copies what it says now.
export function label(code) {
  code.setAttribute("role", "button");
  code.setAttribute("aria-label", `Copy ${code.textContent}`);
  code.tabIndex = 0;
}
