// Keys: "/" and Ctrl-K or Cmd-K go to the search field <input data-search>; without one, to the page /search.
// <html data-keys="off"> switches single keys off, for people whose voice or hands press them unasked (WCAG 2.1.4).

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
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

document.addEventListener("keydown", (event) => {
  const chord = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
  const single = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
  const off = document.documentElement.dataset.keys === "off";
  if (!chord && (!single || off || typing(event.target))) return;
  event.preventDefault();
  search();
});
