// Controls that do nothing without script are written as <button hidden data-script>, and shown once there is one.

export function reveal(root) {
  for (const element of root.querySelectorAll("[hidden][data-script]")) {
    element.hidden = false;
  }
}
