// streamTo opens a stream of the server, and calls handlers by the kinds of its events. tell is told in words what is
// amiss, with an address if somebody can mend it there, and with nothing once it is well. A stream that is cut off goes on where it was (Last-Event-ID): the browser does
// that. One that is refused would be asked for again for ever, or never: this finds out why it was, says so, and tries
// again only where that may help.
import { say } from "./say.js";

const patience = 30000; // ms, where there are too many streams

function login() {
  location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
}

export function streamTo(address, handlers, tell) {
  let stream;
  let last = ""; // id of the last event
  let closed = false;

  function open() {
    const url = new URL(address, location.href);
    if (last) url.searchParams.set("from", last);
    stream = new EventSource(url);
    for (const [kind, handle] of Object.entries(handlers)) {
      stream.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        tell("");
        handle(event);
      });
    }
    stream.addEventListener("open", () => tell(""));
    stream.addEventListener("error", failed);
    stream.addEventListener("bye", () => {
      stream.close();
      say("You are not logged in any more.");
      login();
    });
  }

  async function failed() {
    if (closed) return;
    tell("connecting again…");
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again
    const why = await refusal(address);
    if (why.status === 401) {
      tell("You are not logged in any more.", "/login?next=" + encodeURIComponent(location.pathname + location.search));
      return;
    }
    const again = why.status === 0 || why.status === 429 || why.status >= 500;
    tell(again && why.text === "" ? "connecting again…" : why.text);
    if (again) setTimeout(open, why.status === 429 ? patience : 2000);
  }

  open();
  addEventListener("pagehide", () => {
    closed = true;
    stream.close();
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return; // it has just been opened
    closed = false;
    open();
  });
}

// refusal asks why a stream is refused: an EventSource does not tell.
async function refusal(address) {
  const stop = new AbortController();
  try {
    const answer = await fetch(address, { headers: { Accept: "text/event-stream" }, signal: stop.signal });
    if (answer.ok) return { status: 0, text: "" }; // by now it is not
    return { status: answer.status, text: (await answer.text()).trim() };
  } catch {
    return { status: 0, text: "" };
  } finally {
    stop.abort();
  }
}

// teller returns a tell that shows what it is told in an element.
export function teller(element) {
  return (text, address) => {
    if (element.textContent === text && !address) return;
    element.textContent = text;
    if (!address) return;
    const link = document.createElement("a");
    link.href = address;
    link.textContent = "Log in";
    element.append(" ", link);
  };
}
