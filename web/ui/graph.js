// The page Graph: people, groups and shares as a picture of the tables that stand below it.
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

// colour resolves a custom property of the stylesheet to what the theme makes of it.
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function look() {
  const text = colour("--text");
  const line = colour("--strong");
  const honey = colour("--honey");
  const ground = colour("--ground");
  return [
    { selector: "node", style: {
      label: "data(label)", color: text, "font-size": 12, "text-valign": "bottom", "text-margin-y": 4,
      "background-color": ground, "border-width": 1.5, "border-color": text, width: 26, height: 26,
      "text-background-color": ground, "text-background-opacity": 0.9, "text-background-padding": 2,
    } },
    { selector: "node.group", style: { shape: "hexagon", "border-color": honey, width: 30, height: 30 } },
    { selector: "edge", style: {
      width: 1.5, "line-color": line, "target-arrow-color": line, "target-arrow-shape": "triangle", "curve-style": "bezier",
      label: "data(label)", color: text, "font-size": 10, "text-rotation": "autorotate", "text-background-color": ground,
      "text-background-opacity": 0.9, "text-background-padding": 2,
    } },
    { selector: "edge.all", style: { width: 3, "line-style": "solid", "target-arrow-shape": "triangle-backcurve" } },
    { selector: "edge.waiting, edge.off", style: { "line-style": "dashed" } },
    { selector: "edge.member", style: { width: 1, "line-style": "dotted", "target-arrow-shape": "none", label: "" } },
    { selector: "edge.lit", style: { width: 4, "line-color": honey, "target-arrow-color": honey, "z-index": 9 } },
    { selector: ".faded", style: { opacity: 0.2 } },
  ];
}

// short is a name as the picture shows it, with both of its ends, by which names differ; the table below has the whole.
function short(name) {
  const characters = [...name];
  return characters.length > 22 ? characters.slice(0, 13).join("") + "…" + characters.slice(-8).join("") : name;
}

// elements reads the tables.
function elements() {
  const nodes = new Map();
  const node = (name) => {
    const group = name.startsWith("group:");
    nodes.set(name, { data: { id: name, label: short(group ? name.slice(6) : name) }, classes: group ? "group" : "" });
  };
  const edges = [];
  for (const row of document.querySelectorAll("#edges tbody tr")) {
    const { from, to, type, state, channel, lit } = row.dataset;
    node(from);
    node(to);
    edges.push({
      data: { source: from, target: to, label: short(channel) },
      classes: [type === "all" ? "all" : "", state, lit === undefined ? "" : "lit"].join(" "),
    });
  }
  for (const row of document.querySelectorAll("#members tbody tr")) {
    if (!nodes.has(row.dataset.from)) continue; // nothing is shared with it
    node(row.dataset.to);
    edges.push({ data: { source: row.dataset.from, target: row.dataset.to, label: "" }, classes: "member" });
  }
  return [...nodes.values(), ...edges];
}

const box = document.getElementById("graph");
if (box && document.getElementById("edges")) {
  const pause = () => new Promise((go) => setTimeout(go)); // in which the page answers who uses it
  await pause();
  // A circle to begin with, so that the same graph always looks the same; then forces part what is crowded.
  const picture = draw(box, elements(), look(), { name: "circle", padding: 32 });
  picture.maxZoom(1.5);
  await pause();
  picture.layout({
    name: "cose", animate: false, randomize: false, nodeDimensionsIncludeLabels: true, padding: 32,
    idealEdgeLength: () => 96, nodeRepulsion: () => 60000, nodeOverlap: 20, gravity: 0.8,
  }).run();
  picture.fit(undefined, 32);
  picture.on("tap", "node", (event) => {
    picture.elements().addClass("faded");
    event.target.closedNeighborhood().removeClass("faded");
  });
  picture.on("tap", (event) => {
    if (event.target === picture) picture.elements().removeClass("faded");
  });
  new MutationObserver(() => picture.style(look())).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => picture.style(look()));
}
