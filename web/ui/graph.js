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

// shortener returns a function that shortens a name for the picture to both of its ends, by which names differ; the
// table below has the whole.
function shortener(most) {
  const tail = Math.floor(most * 0.4);
  return (name) => {
    const characters = [...name];
    if (characters.length <= most) return name;
    return characters.slice(0, most - tail - 1).join("") + "…" + characters.slice(-tail).join("");
  };
}

// part moves points away from each other, and from lines between others, within a box; so names lie over no arrow. Each
// step mends a part of what is too close. It is for pictures that can be read as a whole.
function part(points, lines, box, apart) {
  const push = (p, x, y) => {
    p.x = Math.min(Math.max(p.x + x, box.left), box.right);
    p.y = Math.min(Math.max(p.y + y, box.top), box.bottom);
  };
  for (let step = 0; step < 300; step++) {
    points.forEach((a, i) => points.slice(i + 1).forEach((b) => {
      const [x, y] = [b.x - a.x, b.y - a.y];
      const far = Math.hypot(x, y) || 1;
      if (far >= apart) return;
      const by = (apart - far) / far / 8;
      push(a, -x * by, -y * by);
      push(b, x * by, y * by);
    }));
    for (const [a, b] of lines) {
      const [x, y] = [b.x - a.x, b.y - a.y];
      const long = Math.hypot(x, y) || 1;
      for (const p of points) {
        const along = ((p.x - a.x) * x + (p.y - a.y) * y) / long;
        const off = ((p.y - a.y) * x - (p.x - a.x) * y) / long; // to the left or the right of the line
        const by = (apart / 2 - Math.abs(off)) / 8;
        if (p === a || p === b || by <= 0 || along <= 0 || along >= long) continue;
        const [across, down] = [(-y / long) * by * (off < 0 ? -1 : 1), (x / long) * by * (off < 0 ? -1 : 1)];
        push(p, across, down);
        push(a, -across / 2, -down / 2);
        push(b, -across / 2, -down / 2);
      }
    }
  }
}

// spread gives the nodes all of the picture, at the size at which their names are read: forces leave them in a heap of
// any shape. Where they are too many for that, the picture is larger than its box, and shown as a whole.
function spread(picture) {
  const margin = { left: 56, right: 56, top: 28, bottom: 48 }; // for names
  const least = 14000; // square pixels for each node
  const nodes = picture.nodes();
  const from = nodes.boundingBox({ includeLabels: false });
  const larger = Math.max(1, Math.sqrt((nodes.length * least) / (picture.width() * picture.height())));
  const width = picture.width() * larger;
  const height = picture.height() * larger;
  // Two people need not stand at two ends of a wide screen.
  const wide = Math.min(width - margin.left - margin.right, 3 * from.w);
  const high = Math.min(height - margin.top - margin.bottom, 3 * from.h);
  const left = margin.left + (width - margin.left - margin.right - wide) / 2;
  const top = margin.top + (height - margin.top - margin.bottom - high) / 2;
  const points = new Map(nodes.map((node) => {
    const { x, y } = node.position();
    return [node.id(), { x: left + ((x - from.x1) / from.w) * wide, y: top + ((y - from.y1) / from.h) * high }];
  }));
  if (larger === 1) {
    const lines = picture.edges().map((edge) => [points.get(edge.source().id()), points.get(edge.target().id())]);
    const box = { left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom };
    part([...points.values()], lines, box, Math.min(120, Math.sqrt((width * height) / nodes.length) * 0.8));
  }
  nodes.positions((node) => points.get(node.id()));
  picture.viewport({ zoom: 1 / larger, pan: { x: 0, y: 0 } });
}

// elements reads the tables.
function elements(short) {
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
  const short = shortener(box.clientWidth < 600 ? 14 : 22);
  const picture = draw(box, elements(short), look(), { name: "circle", padding: 32 });
  await pause();
  picture.layout({
    name: "cose", animate: false, randomize: false, nodeDimensionsIncludeLabels: true, padding: 32,
    idealEdgeLength: () => 96, nodeRepulsion: () => 60000, nodeOverlap: 20, gravity: 0.8,
  }).run();
  spread(picture);
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
