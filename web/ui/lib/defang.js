// defang writes the URLs of a text so that nothing opens them when they are pasted, as the server does.
export function defang(text) {
  return text.replace(/\b(https?|ftps?|tftp):\/\/([^\s/?#"'<>\\]*)/gi, (_, scheme, host) =>
    scheme.replace(/tt/i, (t) => (t[0] === "T" ? "X" : "x") + (t[1] === "T" ? "X" : "x")).replace(/ftp/i, "fxp") + "://" + host.replaceAll(".", "[.]"));
}
