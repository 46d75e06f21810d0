// htmx that never evaluates text: the Content-Security-Policy would refuse, and so the console stays free of refusals.
import htmx from "htmx.org/dist/htmx.esm.js";

function refuse() {
  throw new Error("a page has no script in its attributes");
}

htmx.registerExtension("hpfriends", { init: (api) => api.initSecurity(null, refuse, refuse) });

export default htmx;
