// The graph of people, groups and shares: draw(container, elements, style) returns a cytoscape instance.
import cytoscape from "cytoscape";
import "./graph.css";

// cytoscape would add a <style> of its own, which the Content-Security-Policy refuses; graph.css has its one rule.
// It adds none where an element of this name is.
const cytoscapeStyle = "__________cytoscape_stylesheet";

export function draw(container, elements, style, layout = { name: "cose", animate: false }) {
  if (!document.getElementById(cytoscapeStyle)) {
    const marker = document.createElement("meta");
    marker.id = cytoscapeStyle;
    document.head.append(marker);
  }
  return cytoscape({ container, elements, style, layout });
}
