// Work that takes long is done in slices, between which the page answers who uses it.

const most = 5; // ms

const pause = () => new Promise((go) => setTimeout(go));

// inSlices calls each with all items; it pauses before, and whenever that has taken a while.
export async function inSlices(items, each) {
  let end = 0;
  for (const item of items) {
    if (performance.now() >= end) {
      await pause();
      end = performance.now() + most;
    }
    each(item);
  }
}
