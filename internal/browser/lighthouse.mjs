// Lighthouse for the tests: reads {"URL": …, "Cookies": …}, one a line, and answers each with a line of scores.
import { createInterface } from "node:readline";
import * as launcher from "chrome-launcher";
import lighthouse from "lighthouse";
import { throttling } from "lighthouse/core/config/constants.js";

const options = {
  onlyCategories: ["accessibility", "best-practices", "performance"],
  disableFullPageScreenshot: true,
  logLevel: "error",
  // How long it waits, in ms: our pages are served from this machine, and a stream never ends.
  maxWaitForLoad: 10_000,
  pauseAfterFcpMs: 200,
  pauseAfterLoadMs: 200,
  networkQuietThresholdMs: 300,
  cpuQuietThresholdMs: 300,
};

// Lighthouse makes a telephone of a machine by slowing it down four times, as is right for one whose benchmark index,
// which it measures, is 1,500 or more. A slower machine, or one with other work, is nearer to a telephone already.
const fast = 1500;
let index = fast; // of the last time

const phone = () => {
  const slowdown = throttling.mobileSlow4G.cpuSlowdownMultiplier * Math.min(1, index / fast);
  return { ...throttling.mobileSlow4G, cpuSlowdownMultiplier: Math.max(1, slowdown) };
};

async function read(port, { URL, Cookies }) {
  const extraHeaders = Cookies ? { Cookie: Cookies } : {};
  const asked = { ...options, port, extraHeaders, throttling: phone() };
  const { lhr } = await lighthouse(URL, asked).catch((e) => ({ lhr: { runtimeError: e } }));
  if (lhr.runtimeError) return { Error: lhr.runtimeError.message };
  index = lhr.environment.benchmarkIndex;
  const scores = {};
  const lost = [];
  for (const category of Object.values(lhr.categories)) {
    scores[category.id] = Math.round(100 * category.score);
    for (const { id, weight } of category.auditRefs) {
      const { score, title, displayValue, details } = lhr.audits[id];
      if (weight > 0 && score !== null && score < 0.95) {
        const items = JSON.stringify(details?.items ?? []).slice(0, 500);
        lost.push(`${category.id}: ${title} ${displayValue ?? ""} ${items}`);
      }
    }
  }
  const Slowdown = lhr.configSettings.throttling.cpuSlowdownMultiplier;
  return { URL: lhr.finalDisplayedUrl, Scores: scores, Lost: lost, Slowdown, Index: index };
}

const chrome = await launcher.launch({
  chromeFlags: process.env.CHROME_FLAGS.split("\n"),
  ignoreDefaultFlags: true,
});
try {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await read(chrome.port, JSON.parse(line))));
  }
} finally {
  chrome.kill();
}
