// The map of the world: countries are GeoJSON features, and outline(width, height) says where they are drawn.
import { geoEqualEarth, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import atlas from "world-atlas/countries-110m.json";

export const countries = feature(atlas, atlas.objects.countries).features;

// outline returns the projection, and a function from a GeoJSON object to an SVG path.
export function outline(width, height) {
  const projection = geoEqualEarth().fitSize([width, height], { type: "Sphere" });
  return { projection, path: geoPath(projection) };
}
