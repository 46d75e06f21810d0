// The page Graph: people, groups and shares as a picture of the tables that stand below it.
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from "d3-force";
import { select } from "d3-selection";
import { zoom } from "d3-zoom";
import { inSlices } from "./lib/slices.js";
import { element } from "./lib/svg.js";

const radius = 13; // of a node, px

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

// read reads the tables: people and groups are nodes, shares and memberships go from one to another.
function read(short) {
  const nodes = new Map();
  const node = (id) => {
    const group = id.startsWith("group:");
    if (!nodes.has(id)) nodes.set(id, { id, group, label: short(group ? id.slice(6) : id) });
    return nodes.get(id);
  };
  const edges = [];
  for (const row of document.querySelectorAll("#edges tbody tr")) {
    const { from, to, type, state, channel, lit } = row.dataset;
    const kinds = [type, state, lit === undefined ? "" : "lit"];
    edges.push({ source: node(from), target: node(to), label: short(channel), kinds });
  }
  for (const row of document.querySelectorAll("#members tbody tr")) {
    if (!nodes.has(row.dataset.from)) continue; // nothing is shared with it
    edges.push({ source: node(row.dataset.from), target: node(row.dataset.to), label: "", kinds: ["member"] });
  }
  return { nodes: [...nodes.values()], edges };
}

// steps are the numbers of what is done in steps.
const steps = (n) => Array(n).keys();

// arrange gives the nodes places: who shares with whom near each other, and none too near. It begins with a circle, so
// that the same graph always looks the same.
async function arrange({ nodes, edges }) {
  const around = 16 * nodes.length;
  nodes.forEach((node, i) => {
    const angle = (2 * Math.PI * i) / nodes.length;
    [node.x, node.y] = [around * Math.cos(angle), around * Math.sin(angle)];
  });
  const forces = forceSimulation(nodes).stop()
    .force("link", forceLink(edges).distance(96))
    .force("apart", forceManyBody().strength(-600))
    .force("collide", forceCollide(3 * radius))
    .force("x", forceX().strength(0.05))
    .force("y", forceY().strength(0.05));
  await inSlices(steps(300), () => forces.tick());
}

// part moves points away from each other, and from lines between others, within a box; so names lie over no arrow. Each
// step mends a part of what is too close. It is for pictures that can be read as a whole.
async function part(points, lines, box, apart) {
  const push = (p, x, y) => {
    p.x = Math.min(Math.max(p.x + x, box.left), box.right);
    p.y = Math.min(Math.max(p.y + y, box.top), box.bottom);
  };
  await inSlices(steps(300), () => {
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
  });
}

function range(values) {
  const least = Math.min(...values);
  return { least, long: Math.max(...values) - least || 1 };
}

// spread gives the nodes all of a box, at the size at which their names are read: forces leave them in a heap of any
// shape. Where they are too many for that, what it returns is larger than the box, to be shown as a whole.
async function spread({ nodes, edges }, box) {
  const margin = { left: 56, right: 56, top: 28, bottom: 48 }; // for names
  const least = 14000; // square pixels for each node
  const [x, y] = [range(nodes.map((p) => p.x)), range(nodes.map((p) => p.y))];
  const larger = Math.max(1, Math.sqrt((nodes.length * least) / (box.width * box.height)));
  const [width, height] = [box.width * larger, box.height * larger];
  // Two people need not stand at two ends of a wide screen.
  const wide = Math.min(width - margin.left - margin.right, 3 * x.long);
  const high = Math.min(height - margin.top - margin.bottom, 3 * y.long);
  const left = margin.left + (width - margin.left - margin.right - wide) / 2;
  const top = margin.top + (height - margin.top - margin.bottom - high) / 2;
  for (const p of nodes) {
    p.x = left + ((p.x - x.least) / x.long) * wide;
    p.y = top + ((p.y - y.least) / y.long) * high;
  }
  if (larger === 1) {
    const lines = edges.map(({ source, target }) => [source, target]);
    const within = { left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom };
    await part(nodes, lines, within, Math.min(120, Math.sqrt((width * height) / nodes.length) * 0.8));
  }
  return { width, height };
}

// bends sets how far each edge bends to its left, so that those between the same two stand apart.
function bends(edges) {
  const between = new Map();
  for (const edge of edges) {
    const pair = [edge.source.id, edge.target.id].sort().join("\n");
    between.set(pair, [...(between.get(pair) ?? []), edge]);
  }
  for (const all of between.values()) {
    all.forEach((edge, i) => {
      const side = edge.source === all[0].source ? 1 : -1;
      edge.bend = side * (i - (all.length - 1) / 2) * 44;
    });
  }
}

// line draws an edge, and its label along its middle.
function line({ source: a, target: b, bend, label, kinds }) {
  const [x, y] = [b.x - a.x, b.y - a.y];
  const long = Math.hypot(x, y) || 1;
  const control = { x: (a.x + b.x) / 2 + (2 * bend * y) / long, y: (a.y + b.y) / 2 - (2 * bend * x) / long };
  const beside = (from, gap) => { // where the line leaves a node
    const far = Math.hypot(control.x - from.x, control.y - from.y) || 1;
    const by = (radius + gap) / far;
    return `${(from.x + (control.x - from.x) * by).toFixed(1)} ${(from.y + (control.y - from.y) * by).toFixed(1)}`;
  };
  const d = `M${beside(a, 2)}Q${control.x.toFixed(1)} ${control.y.toFixed(1)} ${beside(b, 4)}`;
  const head = kinds.includes("member") ? "none" : kinds.includes("lit") ? "url(#arrow-lit)" : "url(#arrow)";
  const parts = [element("path", { class: `edge ${kinds.join(" ")}`, d, "marker-end": head })];
  if (kinds.includes("all")) parts.push(element("path", { class: "core", d })); // so it is a double line
  const drawn = { line: element("g", {}, ...parts) };
  if (label) {
    const middle = `${((a.x + b.x) / 4 + control.x / 2).toFixed(1)} ${((a.y + b.y) / 4 + control.y / 2).toFixed(1)}`;
    const turn = (Math.atan(y / (x || 1e-9)) * 180) / Math.PI; // never upside down
    drawn.text = element("text", { transform: `translate(${middle}) rotate(${turn.toFixed(1)})`, dy: 3 }, label);
  }
  return drawn;
}

function dot({ x, y, group, label }) {
  const shape = group
    ? element("polygon", { points: "15,0 7.5,13 -7.5,13 -15,0 -7.5,-13 7.5,-13" })
    : element("circle", { r: radius });
  const place = { class: group ? "node group" : "node", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` };
  return element("g", place, shape, element("text", { y: radius + 15 }, label));
}

function arrow(id) {
  const head = { id, viewBox: "0 0 10 10", refX: 8, refY: 5, markerWidth: 11, markerHeight: 11, orient: "auto" };
  return element("marker", { ...head, markerUnits: "userSpaceOnUse" }, element("path", { d: "M0 0 10 5 0 10z" }));
}

// draw draws a graph that has been arranged, in a plane of a size. A click on a node shows what belongs to it.
export function draw(box, { nodes, edges }, { width, height }) {
  bends(edges);
  const lines = edges.map((edge) => [edge, line(edge)]);
  const dots = nodes.map((node) => [node, dot(node)]);
  const names = lines.flatMap(([, { text }]) => text ?? []); // over all lines
  const all = element("g", {}, ...lines.map(([, drawn]) => drawn.line), ...names, ...dots.map(([, drawn]) => drawn));
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}` }, arrow("arrow"), arrow("arrow-lit"), all);
  picture.addEventListener("click", ({ target }) => {
    const chosen = dots.find(([, drawn]) => drawn.contains(target))?.[0];
    const shown = new Set(chosen && [chosen]);
    const fade = (drawn, yes) => drawn?.classList.toggle("faded", Boolean(chosen) && yes);
    for (const [edge, { line, text }] of lines) {
      const of = edge.source === chosen || edge.target === chosen;
      if (of) shown.add(edge.source).add(edge.target);
      fade(line, !of);
      fade(text, !of);
    }
    for (const [node, drawn] of dots) fade(drawn, !shown.has(node));
  });
  // The wheel alone, and one finger, scroll the page.
  const zooms = ({ type, ctrlKey, metaKey, button, touches }) =>
    type === "wheel" ? ctrlKey || metaKey : !button && touches?.length !== 1;
  const plane = [[0, 0], [width, height]];
  select(picture).call(zoom().filter(zooms).scaleExtent([1, 8]).extent(plane).translateExtent(plane)
    .on("zoom", ({ transform }) => all.setAttribute("transform", transform)));
  box.append(picture);
}

const box = document.getElementById("graph");
if (box && document.getElementById("edges")) {
  const graph = read(shortener(box.clientWidth < 600 ? 14 : 22));
  const size = { width: box.clientWidth, height: box.clientHeight };
  await arrange(graph);
  draw(box, graph, await spread(graph, size));
}
