// What every page loads: htmx, and small conveniences. Each page works without it.
import "./lib/htmx.js";
import "./lib/copy.js";
import "./lib/drops.js";
import "./lib/keys.js";
import "./lib/once.js";
import "./lib/palette.js";
import "./lib/theme.js";
import "./lib/timeline.js";
import { reveal } from "./lib/reveal.js";

reveal(document);
document.addEventListener("htmx:after:swap", () => reveal(document));
