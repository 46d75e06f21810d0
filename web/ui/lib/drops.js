// What drops down closes by Escape, which gives the focus back, and when somebody goes elsewhere on the page.
const open = () => document.querySelectorAll("details.drop[open]");

function leave(target) {
  for (const drop of open()) if (!drop.contains(target)) drop.open = false;
}

document.addEventListener("pointerdown", (event) => leave(event.target));
document.addEventListener("focusin", (event) => leave(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  for (const drop of open()) {
    const inside = drop.contains(document.activeElement);
    drop.open = false;
    if (inside) drop.querySelector("summary").focus();
  }
});
