// The page Map: attackers in red, sensors in yellow, on a map of the world. It begins with the table below it, and hears of
// what comes by a stream. At most 150 markers are kept; the oldest fade. A country is the redder the more attacks came from it.
import { geoContains, geoEqualEarth, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import atlas from "world-atlas/countries-110m.json";
import { inSlices } from "./lib/slices.js";
import { streamTo, teller } from "./lib/stream.js";
import { element } from "./lib/svg.js";
import { visible } from "./lib/visible.js";

// countries reads the atlas: one GeoJSON feature for each.
export async function countries() {
  const all = [];
  await inSlices(atlas.objects.countries.geometries, (shape) => all.push(feature(atlas, shape)));
  return all;
}

// outline returns the projection, and a function from a GeoJSON object to an SVG path.
export function outline(width, height) {
  const projection = geoEqualEarth().fitSize([width, height], { type: "Sphere" });
  return { projection, path: geoPath(projection) };
}

const width = 960;
const height = 470;
const maxMarkers = 150;

async function world(box) {
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.setAttribute("aria-label", "Where attackers and sensors are; the table below says the same");
  const { projection, path } = outline(width, height);
  const all = await countries();
  const lands = [];
  await inSlices(all, (c) => lands.push(element("path", { class: "land", d: path(c) ?? "" })));
  svg.append(...lands);
  const markers = element("g", {});
  svg.append(markers);
  box.append(svg);
  return { projection, markers, ...shading(all, lands) };
}

const shades = 4;
const maxPlaces = 2000; // whose country is remembered

// shading returns two functions: count counts an attack for the country at a place, paint shows what was counted.
function shading(countries, lands) {
  const known = new Map();
  const counts = new Map();
  const count = (lat, lon) => {
    if (!valid(lat, lon)) return;
    const place = `${lat.toFixed(1)} ${lon.toFixed(1)}`;
    if (!known.has(place)) {
      if (known.size >= maxPlaces) known.clear();
      known.set(place, countries.findIndex((c) => geoContains(c, [lon, lat])));
    }
    const at = known.get(place);
    if (at >= 0) counts.set(at, (counts.get(at) ?? 0) + 1);
  };
  const paint = () => {
    const most = Math.max(...counts.values());
    for (const [at, n] of counts) lands[at].setAttribute("class", `land shade-${Math.ceil((n / most) * shades)}`);
  };
  return { count, paint };
}

// valid reports whether it is a place on the earth.
function valid(lat, lon) {
  return Number.isFinite(lat) && Number.isFinite(lon) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
}

function marker(kind, x, y) {
  if (kind === "attacker") return element("circle", { class: "attacker", cx: x, cy: y, r: 4 });
  return element("rect", { class: "sensor", x: x - 3.5, y: y - 3.5, width: 7, height: 7 });
}

function place({ projection, markers }, kind, lat, lon, fresh) {
  if (!valid(lat, lon)) return;
  const [x, y] = projection([lon, lat]);
  const m = marker(kind, x.toFixed(1), y.toFixed(1));
  if (fresh) m.classList.add("arrived");
  markers.append(m);
  while (markers.children.length > maxMarkers) markers.firstElementChild.remove();
}

function show(map, from, to, fresh) {
  map.count(from.lat, from.lon);
  place(map, "attacker", from.lat, from.lon, fresh);
  place(map, "sensor", to.lat, to.lon, fresh);
}

const clock = new Intl.DateTimeFormat("en-GB", {
  timeStyle: "medium", timeZone: document.documentElement.dataset.zone || "UTC",
});

// list puts an attack on top of the table.
function list(table, attack) {
  const body = table.tBodies[0];
  const row = document.createElement("tr");
  row.className = "arrived";
  const cell = (label, ...content) => {
    const td = document.createElement("td");
    td.dataset.label = label;
    td.append(...content);
    row.append(td);
  };
  const time = document.createElement("time");
  time.dateTime = attack.time;
  time.title = attack.time;
  time.textContent = clock.format(new Date(attack.time));
  if (table.dataset.bare === undefined) {
    const link = document.createElement("a");
    link.href = "/m/" + attack.position.slice(1);
    link.append(time);
    cell("Time", link);
  } else {
    cell("Time", time);
  }
  const kind = document.createElement("code");
  kind.textContent = visible(attack.kind);
  cell("Attacker", visible(attack.from.name));
  cell("Sensor", visible(attack.to.name));
  cell("Kind", kind);
  body.prepend(row);
  while (body.rows.length > Number(table.dataset.most)) body.rows[body.rows.length - 1].remove();
}

const box = document.getElementById("map");
if (box) {
  const map = await world(box);
  const number = (text) => (text === undefined ? NaN : Number(text));
  const table = document.getElementById("attacks");
  await inSlices([...(table?.tBodies[0].rows ?? [])].reverse(), (row) => {
    const { lat, lon, lat2, lon2 } = row.dataset;
    show(map, { lat: number(lat), lon: number(lon) }, { lat: number(lat2), lon: number(lon2) }, false);
  });
  map.paint();
  const count = document.getElementById("map-count");
  let arrived = 0;
  function take(event) {
    // Beside attacks there are lines that say how far behind the stream is, and what is no longer kept.
    const all = event.data.split("\n").map((line) => JSON.parse(line)).filter((line) => line.from && line.position);
    arrived += all.length;
    for (const attack of all.slice(-maxMarkers)) {
      show(map, attack.from, attack.to, true);
      if (table) list(table, attack);
    }
    map.paint();
    count.textContent = `${arrived} arrived`;
  }
  streamTo(box.dataset.stream, { messages: take }, teller(document.getElementById("map-trouble")));
}
