// The page History: dragging over the bars selects a part of the time, and shows it. The two time fields do the same
// without.

const chart = document.querySelector("svg.histogram");
const form = document.getElementById("period");
const least = 4; // pixels; what moves less is a click on a bar

function brush() {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rect.setAttribute("class", "brush");
  rect.setAttribute("y", "0");
  rect.setAttribute("height", String(chart.viewBox.baseVal.height));
  chart.append(rect);
  return rect;
}

// part is how far to the right of the chart it is, from 0 to 1.
function part(event) {
  const box = chart.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
}

function time(at) {
  const begin = Number(chart.dataset.begin);
  const last = Number(chart.dataset.last);
  return new Date(Math.round(begin + at * (last - begin))).toISOString();
}

function drag(down) {
  const from = part(down);
  const rect = brush();
  let to = from;
  let far = false;
  function move(event) {
    to = part(event);
    far ||= Math.abs(event.clientX - down.clientX) >= least;
    const width = chart.viewBox.baseVal.width;
    rect.setAttribute("x", String(Math.min(from, to) * width));
    rect.setAttribute("width", String(Math.abs(to - from) * width));
  }
  function end(event) {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
    if (!far || event.type === "pointercancel") {
      rect.remove();
      return;
    }
    // The click that follows would lead to the bar below.
    addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    form.elements.since.value = time(Math.min(from, to));
    form.elements.until.value = time(Math.max(from, to));
    form.requestSubmit();
  }
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
}

if (chart && form) {
  chart.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.isPrimary) drag(event);
  });
  chart.addEventListener("dragstart", (event) => event.preventDefault()); // of the links
}
