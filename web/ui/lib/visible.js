// visible shows controls and marks of direction as escapes, as the server does.
export function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu, (c) => {
    const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[c];
    if (short) return short;
    const hex = c.codePointAt(0).toString(16);
    return hex.length <= 2 ? "\\x" + hex.padStart(2, "0") : "\\u" + hex.padStart(4, "0");
  });
}
