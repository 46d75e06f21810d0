// Charts over time: chart(container, series, data) returns a uPlot. The styles are chart.css in the manifest.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export function chart(container, series, data, options = {}) {
  const { clientWidth: width, clientHeight: height } = container;
  return new uPlot({ width, height, series, ...options }, data, container);
}
