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

// bow is the point towards which an edge bends.
function bow({ source: a, target: b, bend }) {
  const [x, y] = [b.x - a.x, b.y - a.y];
  const long = Math.hypot(x, y) || 1;
  return { x: (a.x + b.x) / 2 + (2 * bend * y) / long, y: (a.y + b.y) / 2 - (2 * bend * x) / long };
}

// along is the point of an edge at a part of its way, 0 to 1.
function along({ source: a, target: b, control: c }, t) {
  const at = (from, by, to) => (1 - t) ** 2 * from + 2 * t * (1 - t) * by + t ** 2 * to;
  return { x: at(a.x, c.x, b.x), y: at(a.y, c.y, b.y) };
}

// inside counts the points that lie in a box, or too near it.
function inside(points, { x, y, wide, high }, near = 3) {
  return points.filter((p) => Math.abs(p.x - x) < wide / 2 + near && Math.abs(p.y - y) < high / 2 + near).length;
}

// label finds a place for each name, below its node or at another side of it, and for each label of an edge along it:
// where the fewest arrows and names are. It measures by the points of edges and labels.
function label({ nodes, edges }, { width, height }) {
  if (nodes.length * edges.length > 5000) return; // nobody reads them
  const points = new Map(edges.map((edge) => [edge, Array.from({ length: 33 }, (_, i) => along(edge, i / 32))]));
  const ways = [...points.values()].flat();
  const taken = nodes.map(({ x, y }) => ({ x, y, wide: 2 * radius, high: 2 * radius }));
  const best = (places, cost) => places.map((place) => [cost(place), place]).reduce((a, b) => (b[0] < a[0] ? b : a))[1];
  const meets = (a, b) => Math.abs(a.x - b.x) < (a.wide + b.wide) / 2 && Math.abs(a.y - b.y) < (a.high + b.high) / 2;
  for (const node of nodes) {
    const [wide, high] = [7 * node.label.length, 14];
    const beside = radius + 6 + wide / 2;
    const sides = [[0, radius + 11], [0, -radius - 11], [beside, 0], [-beside, 0]];
    const place = best(sides.map(([x, y]) => ({ x: node.x + x, y: node.y + y, wide, high })), (box) => {
      const out = box.x - wide / 2 < 0 || box.x + wide / 2 > width || box.y < high || box.y > height - high;
      return inside(ways, box) + 20 * taken.filter((other) => meets(box, other)).length + (out ? 1000 : 0);
    });
    node.name = { x: place.x - node.x, y: place.y - node.y };
    taken.push(place);
  }
  for (const edge of edges.filter((e) => e.label)) {
    const half = 3 * edge.label.length; // px, of 10 px text
    const spots = (t) => {
      const [at, before, behind] = [along(edge, t), along(edge, t - 0.02), along(edge, t + 0.02)];
      const angle = Math.atan2(behind.y - before.y, behind.x - before.x);
      const offsets = Array.from({ length: 9 }, (_, i) => ((i - 4) / 4) * half);
      return offsets.map((by) => ({ x: at.x + by * Math.cos(angle), y: at.y + by * Math.sin(angle) }));
    };
    const places = [0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68, 0.26, 0.74];
    const others = edges.filter((other) => other !== edge).flatMap((other) => points.get(other));
    const crossed = (t) => spots(t).reduce((sum, { x, y }) => sum + inside(others, { x, y, wide: 8, high: 8 }), 0);
    edge.middle = best(places, (t) => taken.reduce((sum, box) => sum + 10 * inside(spots(t), box, 6), crossed(t)));
    for (const { x, y } of spots(edge.middle)) taken.push({ x, y, wide: 8, high: 8 });
  }
}

// line draws an edge, and its label along it.
function line(edge) {
  const { source: a, target: b, control, label, kinds, middle: part = 0.5 } = edge;
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
    const [at, before, behind] = [along(edge, part), along(edge, part - 0.02), along(edge, part + 0.02)];
    const turn = (Math.atan((behind.y - before.y) / (behind.x - before.x || 1e-9)) * 180) / Math.PI; // never upside down
    const place = `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)}) rotate(${turn.toFixed(1)})`;
    drawn.text = element("text", { transform: place, dy: 3 }, label);
  }
  return drawn;
}

function dot({ x, y, group, label, name = { x: 0, y: radius + 11 } }) {
  const shape = group
    ? element("polygon", { points: "15,0 7.5,13 -7.5,13 -15,0 -7.5,-13 7.5,-13" })
    : element("circle", { r: radius });
  const place = { class: group ? "node group" : "node", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` };
  return element("g", place, shape, element("text", { x: name.x.toFixed(1), y: (name.y + 4).toFixed(1) }, label));
}

function arrow(id) {
  const head = { id, viewBox: "0 0 10 10", refX: 8, refY: 5, markerWidth: 11, markerHeight: 11, orient: "auto" };
  return element("marker", { ...head, markerUnits: "userSpaceOnUse" }, element("path", { d: "M0 0 10 5 0 10z" }));
}

// draw draws a graph that has been arranged, in a plane of a size. A click on a node shows what belongs to it.
export function draw(box, { nodes, edges }, { width, height }) {
  bends(edges);
  for (const edge of edges) edge.control = bow(edge);
  label({ nodes, edges }, { width, height });
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
