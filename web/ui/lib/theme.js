// <button data-theme-switch> goes from the theme that is seen to the other. The cookie "theme" is read by the server,
// which writes <html data-theme="dark"> from then on: a page never flashes in the wrong colours.
const year = 365 * 24 * 60 * 60;

function shown() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  return document.documentElement.dataset.theme || dark;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-switch]")) return;
  event.preventDefault();
  const theme = shown() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=${year}; samesite=lax`;
});
