// say shows a sentence in the page's <output id="said">, which screen readers speak.

export function say(sentence) {
  const place = document.getElementById("said");
  if (place) place.textContent = sentence;
}
