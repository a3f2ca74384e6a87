// What a Korean query means: words without their endings, compounds cut into known words, other names of the same thing,
// formulas, slips of the fingers. No page, no network: everything here is a function of its arguments.
import { isFormula, parts } from "./formulas.js";
import { endingsOf, isNear, letters, meantByKeys, typed } from "./korean.js";

// Words that ask, and do not say about what.
const ASKING = new Set(
  `무엇 무엇인가요 무엇이 뭐 뭐가 뭐야 뭐임 뭔가요 뭔지 뭔데 뭘 왜 어떻게 어떤 어느 언제 어디 어디서 어디를 얼마나 얼마 무슨 뜻 의미 설명 이유 까닭 원리 방법 법 것 거 게 건 걸
  건가요 있나요 하나요 되나요 인가요 그 이 저 좀 및 또는 대한 대해 대해서 관한 쓰나요 써요 써 씀 쓰는 알려줘 알려주세요 알아 궁금해요 할까요 될까요 주세요 수 있나 있어 있는
  는 은 를 을 가 의 에 로 와 과 도 안 못 더 잘 또 막 때 데 근데 이렇게 저렇게 이런 그런 갑자기 계속 자꾸 되는 하는 해 해야 써야 없는데 건지 거야 거예요 뭐예요
  진짜 정말 그렇게 되게 너무 꼭 대신 말고 그냥 필요함 됨 돼 돼요 돼나 하나 하지 함 임 위해 읽는
  what why how when where which is are the a an of in for to do does and or vs versus`.split(/\s+/),
);

const ASKS = /^(뭐|뭘|뭔|무엇|무슨|왜|어떻|어떤|어디|언제|얼마)/;
const HANGUL = /[가-힣]/;
const LONE = /[ㄱ-ㅎㅏ-ㅣ]/;
const LONGEST = 12; // syllables of a piece that may be known
const SHORTEST = 6; // letters of a word that may be misspelt
const LONG_QUERY = 200; // characters

/** Text as it is compared: lower case, composed Hangul, marks turned into spaces. */
export function normalize(text) {
  return text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Text without any spaces: "위치 임베딩" and "위치임베딩" are one. */
export function compact(text) {
  return normalize(text).replaceAll(" ", "");
}

/** A text made ready to be asked for words: { whole, words, roots }. */
export function field(text, root) {
  const words = normalize(text).split(" ").filter(Boolean);
  return { whole: words.join(""), words: new Set(words), roots: new Set(words.map(root)) };
}

// Parts of a formula beside each other, to be looked for in those of a page.
const inOrder = (list) => ` ${list.join(" ")} `;

// One field of several phrases, which no name goes across.
function fieldOf(phrases) {
  return {
    whole: phrases.map(({ whole }) => whole).join("|"),
    roots: new Set(phrases.flatMap(({ roots }) => [...roots])),
  };
}

/** What is shown and ranked of a page, made ready to be asked. */
export function readyPage(page, root) {
  const says = (page.says ?? []).map((row) => field(row.at(-1), root));
  const also = (page.also ?? []).map((phrase) => field(phrase, root));
  const title = field(page.title, root);
  const short = field(page.short ?? "", root);
  const formulas = (page.formulas ?? "").split("\n").map(parts);
  return {
    ...page,
    fields: {
      title,
      also: fieldOf(also),
      short,
      says: fieldOf(says),
      text: field(page.text ?? "", root),
      slug: field(page.url.split("/").at(-2) ?? "", root),
      tags: field((page.tags ?? []).join(" "), root),
    },
    phrases: page.kind === "term" ? [] : [title, short, ...also, ...says],
    asked: new Set((page.asked ?? "").split(" ")),
    tagged: (page.tags ?? []).map(compact),
    related: (page.terms ?? []).map(compact),
    formulas: formulas.map(inOrder).join(","),
    parts: new Set(formulas.flat()),
    saidParts: [page.title, page.text ?? "", ...(page.says ?? []).map((row) => row.at(-1))]
      .map((said) => inOrder(parts(said)))
      .join(","),
  };
}

const withLetters = (words) => words.map((word) => [word, letters(word)]).filter(([, list]) => list.length >= SHORTEST);

/**
 * What index.json says of words, made ready: { words: [[names of a term]], same: [[names of anything else]], frequent:
 * roots, endings, afterOne }. Words that are looked up for a query are added by withWords.
 */
export function prepare({ words, same = [], frequent = "", endings = [], afterOne = [] }) {
  const { forms, root } = endingsOf({ endings, afterOne });
  const names = new Map(); // every name -> the names of the same thing, itself first
  for (const group of [...words, ...same]) {
    for (const name of group) {
      const known = names.get(compact(name)) ?? [];
      names.set(compact(name), [...new Set([...known, name, ...group])]);
    }
  }
  const surface = new Set(names.keys()); // words that a misspelt one may have meant
  for (const word of [...words, ...same].flat().flatMap((text) => normalize(text).split(" "))) {
    const shortest = forms(word).at(-1);
    if (shortest.length >= 2 && !/\d/.test(shortest) && !ASKING.has(word)) surface.add(shortest);
  }
  const known = new Set([...frequent.split(" "), ...[...surface].map(root), ...surface]);
  const terms = new Map(); // every name of a term -> the places of the terms that are called so
  for (const [place, group] of words.entries()) {
    for (const name of group) terms.set(compact(name), [...new Set([...(terms.get(compact(name)) ?? []), place])]);
  }
  return { names, terms, known, spelt: withLetters([...surface]), forms, root };
}

/** A dictionary that knows more words: roots as pages have them, and `spelt`, which a misspelt one may have meant. */
export function withWords(dictionary, roots, spelt = []) {
  const meant = spelt.filter((word) => word.length >= 2 && !ASKING.has(word));
  const known = new Set([...dictionary.known, ...roots, ...meant.flatMap((word) => [word, dictionary.root(word)])]);
  return { ...dictionary, known, spelt: [...dictionary.spelt, ...withLetters(meant)] };
}

// The pieces of a word up to `start`, and one more: unknown ones beside each other are one.
function withPiece(pieces, text, isKnown) {
  const last = pieces.at(-1);
  if (isKnown || !last || last.known) return [...pieces, { text, known: isKnown }];
  return [...pieces.slice(0, -1), { text: last.text + text, known: false }];
}

/** A word without spaces cut into known words, or null: as much of it known as can be, in as few pieces as can be. */
export function segment(word, isKnownWord) {
  const best = [{ unknown: 0, pieces: [] }]; // of what comes before each syllable; unknown: how much of it
  const upTo = (start, end) => {
    const text = word.slice(start, end);
    const isKnown = ASKING.has(text) || (text.length >= 2 && isKnownWord(text));
    if (!isKnown && text.length > 1) return null;
    return {
      unknown: best[start].unknown + (isKnown ? 0 : 1),
      pieces: withPiece(best[start].pieces, text, isKnown),
    };
  };
  const order = (one, other) => one.unknown - other.unknown || one.pieces.length - other.pieces.length;
  for (let end = 1; end <= word.length; end++) {
    const first = Math.max(0, end - LONGEST);
    const ways = Array.from({ length: end - first }, (_, i) => upTo(first + i, end)).filter(Boolean);
    best.push(ways.reduce((one, other) => (order(other, one) < 0 ? other : one)));
  }
  const { unknown, pieces } = best.at(-1);
  if (!pieces.some((piece) => piece.known) || unknown > word.length / 3) return null;
  return pieces.filter((piece) => piece.known || piece.text.length >= 2).map((piece) => piece.text);
}

// The longest name of a thing that begins at a token, of four tokens at most -> [its form, tokens], or null.
function nameAt(tokens, start, { names, forms }) {
  for (let length = Math.min(4, tokens.length - start); length > 0; length--) {
    const form = forms(tokens.slice(start, start + length).join("")).find((candidate) => names.has(candidate));
    if (form) return [form, length];
  }
  return null;
}

// What the keys of a word would have typed on the other keyboard, "" where that is nothing.
const onOtherKeyboard = (word) =>
  HANGUL.test(word) || LONE.test(word) ? typed(word).toLowerCase() : meantByKeys(word);

/** What was meant by a word that is not known: typed with the other keyboard, or with one letter wrong; "" if nothing. */
export function mended(word, dictionary) {
  const { forms, spelt } = dictionary;
  const isKnown = (text) => text.length >= 2 && pieces(text, dictionary) !== null;
  const other = onOtherKeyboard(word);
  if (other && other !== word && isKnown(other)) return other;
  for (const form of forms(word)) {
    const list = letters(form);
    if (list.length < SHORTEST) continue;
    const near = spelt.find(([, candidate]) => isNear(list, candidate));
    if (near) return near[0] + word.slice(form.length);
  }
  return "";
}

// The first word that begins with the keys typed so far: 어텐셔 becomes 어텐션. "" where none does.
function begins(token, { spelt }) {
  const keys = typed(token);
  const isSame = (word) => HANGUL.test(word) === HANGUL.test(token); // of the same keyboard
  return spelt.find(([word, list]) => isSame(word) && list.join("").startsWith(keys))?.[0] ?? "";
}

// What a token that is no name is about: [words], or null where it is not known at all.
function pieces(token, dictionary) {
  const { known, forms, names, root } = dictionary;
  const isKnown = (text) => known.has(text) || known.has(root(text));
  const whole = forms(token).find((form) => names.has(form)) ?? (isKnown(token) ? token : null);
  if (whole) return [whole];
  if (HANGUL.test(token) && token.length >= 4) return segment(token, isKnown);
  return null;
}

function asks(token, forms) {
  return ASKS.test(token) || forms(token).some((form) => ASKING.has(form));
}

// Groups of names for a token that is no name. meant: Map of a token that was mended -> what it became, or null where
// nothing is to be mended.
function groupsOfOne(token, isLast, dictionary, meant) {
  const { names, known, root } = dictionary;
  const found = pieces(token, dictionary);
  if (found) {
    const about = found.filter((piece) => !ASKING.has(piece));
    return about.map((piece) => {
      const name = dictionary.forms(piece).find((form) => names.has(form));
      return { names: name ? names.get(name) : [root(piece)] };
    });
  }
  const begun = isLast && token.length > 1 ? begins(token, dictionary) : "";
  if (begun) return groupsOf([begun], dictionary, null);
  const better = meant ? mended(token, dictionary) : "";
  if (better) meant.set(token, better);
  const isBegun = isLast && [...known].some((word) => word.startsWith(token));
  return [{ names: [token], isUnknown: !isBegun }];
}

function groupsOf(tokens, dictionary, meant) {
  const groups = [];
  for (let start = 0; start < tokens.length; ) {
    const [form, length] = nameAt(tokens, start, dictionary) ?? [null, 1];
    const isLast = start + length >= tokens.length;
    if (form) groups.push({ names: dictionary.names.get(form) });
    else if (!asks(tokens[start], dictionary.forms)) {
      groups.push(...groupsOfOne(tokens[start], isLast, dictionary, meant));
    }
    start += length;
  }
  return groups;
}

// The tokens of a query, words and formulas apart: "소프트맥스 루트 d로" -> [["소프트맥스"], ["√d"]].
function tokensOf(query, { names }) {
  const words = [];
  const formulas = [];
  const text = query.slice(0, LONG_QUERY).normalize("NFC").toLowerCase();
  for (const raw of text.replace(/루트\s*(?=[a-z])/g, "√").split(/\s+/)) {
    if (!names.has(compact(raw)) && isFormula(raw)) formulas.push(...parts(raw));
    else
      words.push(
        ...normalize(raw.replace(/(?<![\p{L}\d])\d+(?=[가-힣])/gu, ""))
          .split(" ")
          .filter(Boolean),
      );
  }
  return { words, formulas };
}

// What stands below in a part of a formula, if it is a word: D_KL is about KL too.
function below(query, part) {
  const words = query.toLowerCase().match(/(?<=_\{?)[a-z]{2,}/g) ?? [];
  return words.filter((word) => part.length > word.length && part.endsWith(word));
}

// What a query is on the other keyboard, if there are letters in it that are no syllable.
const turnedOf = (query, dictionary) =>
  LONE.test(query) ? tokensOf(typed(query.trim()).toLowerCase(), dictionary).words : [];

const whole = (query) => query.replace(/(?<=[가-힣])[ㄱ-ㅎ]$/, ""); // without a syllable in the making

/** The words of a query that have to be looked up before it is parsed. */
export function wordsOf(query, dictionary) {
  const { words } = tokensOf(whole(query), dictionary);
  const open = [...words, ...turnedOf(query, dictionary)].filter((word) => !ASKING.has(word));
  return open.flatMap((word) => [word, dictionary.root(word)]);
}

/**
 * What has to be looked up for those words of a query that are not known: { words: on the other keyboard, starts: the keys
 * that what was meant begins with, ends: those it ends with, from the last one }. One slip leaves one of two halves.
 */
export function strangers(query, dictionary) {
  const { words } = tokensOf(whole(query), dictionary);
  const strange = words.filter((word) => !asks(word, dictionary.forms) && !pieces(word, dictionary));
  const others = strange.map(onOtherKeyboard).filter(Boolean);
  const lists = strange
    .flatMap(dictionary.forms)
    .map(letters)
    .filter((list) => list.length >= SHORTEST);
  const half = (list) => Math.floor((list.length - 1) / 2);
  return {
    words: others.flatMap((word) => [word, dictionary.root(word)]),
    starts: [...strange.map(typed), ...lists.map((list) => list.slice(0, half(list)).join(""))],
    ends: lists.map((list) =>
      list
        .slice(half(list) + 1)
        .reverse()
        .join(""),
    ),
  };
}

/**
 * A query as groups, and what was meant where it was mistyped: { groups: [{ names, … }], meant: "" or a text }. A group is
 * { names of one thing }, with isUnknown where no page has it, or { names: [part], formula: [all parts] }.
 */
export function parse(query, dictionary) {
  const turned = turnedOf(query, dictionary);
  const other = groupsOf(turned, dictionary, null);
  if (other.length && !other.some((group) => group.isUnknown)) return { groups: other, meant: turned.join(" ") };
  const { words, formulas } = tokensOf(whole(query), dictionary);
  const slips = new Map();
  let groups = groupsOf(words, dictionary, slips);
  const meant = slips.size ? words.map((word) => slips.get(word) ?? word).join(" ") : "";
  if (meant) groups = groupsOf(normalize(meant).split(" "), dictionary, null); // mended words may be one name
  const seen = new Set();
  const unique = groups.filter(({ names: [name] }) => !seen.has(compact(name)) && seen.add(compact(name)));
  for (const part of new Set(formulas)) unique.push({ names: [part, ...below(query, part)], formula: formulas });
  if (!unique.length) for (const word of words) unique.push({ names: [word] }); // it asks, and no more
  return { groups: unique, meant };
}
