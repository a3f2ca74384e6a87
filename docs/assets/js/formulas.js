// Formulas as they are typed and as pages have them: both become the same small parts. Everything here is pure.

const NAMES = "alpha beta gamma delta epsilon theta lambda mu phi sigma".split(" ");
const GREEK = [..."αβγδεθλμφσ"].map((letter, place) => [NAMES[place], letter]);
const PART = /√?[a-z0-9α-ω]+/g;

/** Whether a word without spaces is a formula: √d_k, QK^T, p(x3|x2), N². A name such as pos_embed is none. */
export function isFormula(word) {
  if (/[√^\\|²³⁰-⁹ⁿᵀ⊤₀-₉Α-ωϕ]/.test(word)) return true;
  if (/(^|[^a-z])[a-z]_|_[a-z0-9](?![a-z])/i.test(word)) return true;
  return /^[a-z]+\(\S*[,/=]\S*\)/i.test(word) || /^\(?[a-z0-9]{1,3}([/=+|()]+[a-z0-9]{1,3})+\)*$/i.test(word);
}

/** The parts of a formula: "softmax(QK^T/√d_k)V" as ["softmax", "qkt", "√d", "v"]; what stands below in a root goes. */
export function parts(text) {
  let plain = text.replaceAll("⊤", "T").normalize("NFKC").toLowerCase().replaceAll("ϕ", "φ");
  for (const [name, letter] of GREEK) plain = plain.replaceAll(new RegExp(`\\\\?\\b${name}(?![a-z])`, "g"), letter);
  plain = plain
    .replace(/\\?\bsqrt|루트\s*/g, "√")
    .replace(/√[\s({]+/g, "√")
    .replace(/(√[a-z])_?\{?k\b/g, "$1");
  return plain.replace(/[_^{}\\\s]/g, "").match(PART) ?? [];
}
