// Korean words, their endings, the letters of their syllables, and the keys that type them. Everything here is pure.

const FIRST = 0xac00;
const [VOWELS, CODAS] = [21, 28];
const WHOLE = { 9: 8, 14: 13, 6: 20, 10: 11 }; // vowels: ㅘ ㅝ ㅕ ㅙ are what ㅗ ㅜ ㅣ ㅚ make with 아, 어
const [HA, HAE] = [18 * VOWELS, 18 * VOWELS + 1]; // 하, 해: without codas

const KEYS = { initials: "rRseEfaqQtTdwWczxvg", vowels: "k o i O j p u P h hk ho hl y n nj np nl b m ml l" };
const FINALS = " r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g".split(" ");
const INITIALS = [...KEYS.initials];
const MEDIALS = KEYS.vowels.split(" ");
const LETTERS = {
  initials: [..."ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"],
  medials: [..."ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"],
  finals: ["", ..."ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"],
};
const KEY_OF = new Map([
  ...LETTERS.initials.map((letter, place) => [letter, INITIALS[place]]),
  ...LETTERS.medials.map((letter, place) => [letter, MEDIALS[place]]),
  ...LETTERS.finals.slice(1).map((letter, place) => [letter, FINALS[place + 1]]),
]);

// [initial, vowel, final] of a syllable, as their places; null of anything else.
function taken(letter) {
  const code = letter.charCodeAt(0) - FIRST;
  if (code < 0 || code >= 19 * VOWELS * CODAS) return null;
  return [Math.floor(code / (VOWELS * CODAS)), Math.floor(code / CODAS) % VOWELS, code % CODAS];
}

/** The letters of a text, one by one, each as the key that types it: "임" as d, l, a. */
export function letters(text) {
  return [...typed(text)];
}

/** What the keys of a Korean text would have typed on an English keyboard. */
export function typed(text) {
  const keys = [...text].map((letter) => {
    const parts = taken(letter);
    return parts ? INITIALS[parts[0]] + MEDIALS[parts[1]] + FINALS[parts[2]] : (KEY_OF.get(letter) ?? letter);
  });
  return keys.join("");
}

const SYLLABLE = new RegExp(
  `([${KEYS.initials}])(${[...MEDIALS].sort((a, b) => b.length - a.length).join("|")})` +
    `((?:${FINALS.filter((keys) => keys)
      .sort((a, b) => b.length - a.length)
      .join("|")})(?![${"koijpuhynbmlOP"}]))?`,
  "g",
);

/** The Korean text that was meant by keys of an English keyboard, or "" where they make no whole syllables. */
export function meantByKeys(text) {
  const keys = /[A-Z]/.test(text) ? text.replace(/[^QWERTOP]/g, (key) => key.toLowerCase()) : text;
  let end = 0;
  let made = "";
  for (const match of keys.matchAll(SYLLABLE)) {
    if (match.index !== end) return "";
    end += match[0].length;
    const [, initial, vowel, final = ""] = match;
    const code = (INITIALS.indexOf(initial) * VOWELS + MEDIALS.indexOf(vowel)) * CODAS + FINALS.indexOf(final);
    made += String.fromCharCode(FIRST + code);
  }
  return end === keys.length ? made : "";
}

/** Whether one letter more, one less, another one or two exchanged make one list of letters the other. */
export function isNear(one, other) {
  if (Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  const rest = (list, from) => list.slice(from).join("");
  const [a, b] = [one.slice(start), other.slice(start)];
  if (rest(a, 1) === rest(b, 1) || rest(a, 1) === rest(b, 0) || rest(a, 0) === rest(b, 1)) return true;
  return a[0] === b[1] && a[1] === b[0] && rest(a, 2) === rest(b, 2);
}

/** A word whose last syllable is no longer drawn together with 아, 어 or 었. */
function drawnOut(word) {
  const parts = word && taken(word.at(-1));
  if (!parts || (parts[2] !== 0 && parts[2] !== 20)) return word; // 20: ㅆ
  const syllable = parts[0] * VOWELS + parts[1];
  const whole = syllable === HAE ? HA : parts[0] * VOWELS + (WHOLE[parts[1]] ?? parts[1]);
  return whole === syllable ? word : word.slice(0, -1) + String.fromCharCode(FIRST + whole * CODAS);
}

/** How words lose their endings, as mundap.site.korean does it: { forms(word), root(word) }. */
export function endingsOf({ endings, afterOne }) {
  const mayBeLeft = (rest, ending) => {
    const parts = rest.length === 1 ? taken(rest) : null;
    return parts ? afterOne.includes(ending) && parts[2] !== 0 : rest !== "";
  };
  const byLast = new Map(); // the last syllable of endings -> those endings
  for (const ending of endings) byLast.set(ending.at(-1), [...(byLast.get(ending.at(-1)) ?? []), ending]);
  // Every form that a word may have without its ending, the word itself first.
  function forms(word) {
    const found = [word];
    if (/^[a-z]{4,}s$/.test(word)) found.push(word.slice(0, -1));
    for (const ending of byLast.get(word.at(-1)) ?? []) {
      if (!word.endsWith(ending)) continue;
      const rest = word.slice(0, -ending.length);
      if (mayBeLeft(rest, ending)) found.push(rest);
    }
    return found;
  }
  const root = (word) => drawnOut(forms(word).reduce((best, form) => (form.length < best.length ? form : best)));
  return { forms, root };
}
