// <input type="range" data-timeline> slides between the changes of its datalist: it says each, and goes to the one at
// which it is let go.
const slider = document.querySelector("[data-timeline]");

function change() {
  return slider.list.options[slider.value];
}

slider?.addEventListener("input", () => {
  slider.closest(".asof-bar").querySelector("output").textContent = change().label;
});
slider?.addEventListener("change", () => {
  const address = new URL(location.href);
  address.searchParams.set("at", change().dataset.at);
  location.assign(address);
});
