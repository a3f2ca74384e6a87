// What a Korean query means: words without their particles, compounds cut into known words, other names of the same
// thing; and which page answers it. No page, no network: everything here is a function of its arguments.

// Particles and endings that a noun or a question wears, the longest first.
const ENDINGS = `
  이라는게 이란게 라는게 인가요 일까요 한가요 되나요 하나요 했나요 할까요 될까요 있나요 없나요 인건가요 는건가요 는건지 이에요 예요
  이에서 에서는 에서도 에서의 으로는 으로도 으로만 에게서 까지는 까지도 부터는 이라는 이라고 이라면 이라도 이란 하는지 되는지 인지 는지 은지
  에서 에게 에는 에도 으로 로는 로도 로만 로의 까지 부터 처럼 보다 만큼 마다 조차 밖에 이나 라는 라고 라면 라도 하고 하는 하면 하기 한다 해요 해서
  되는 되면 나요 까요 가요 어요 아요 네요 지요 이랑 랑은 과의 와의 과는 와는 들이 들은 들을 들의 들
  은 는 이 가 을 를 의 에 로 와 과 도 만 란 랑 나 요 야`
  .trim()
  .split(/\s+/)
  .sort((a, b) => b.length - a.length);

// Words that ask, and do not say about what.
const ASKING = new Set(
  `무엇 무엇인가요 무엇이 뭐 뭐가 뭔가요 뭔지 뭘 왜 어떻게 어떤 어느 언제 어디 어디서 얼마나 얼마 무슨 뜻 의미 설명 이유 방법 것 거 게
  건가요 있나요 하나요 되나요 인가요 그 이 저 좀 및 또는 대한 대해 대해서 관한 쓰나요 써요 알려줘 알려주세요 궁금해요 할까요 될까요 주세요
  what why how when where which is are the a an of in for to do does and or`.split(/\s+/),
);

const HANGUL = /[가-힣]/;

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

/** Every form that a word may have without its ending, the word itself first. */
export function stems(word) {
  const forms = [word];
  if (/^[a-z]{4,}s$/.test(word)) forms.push(word.slice(0, -1));
  for (const ending of ENDINGS) {
    const stem = word.slice(0, -ending.length);
    if (word.endsWith(ending) && (stem.length >= 2 || (stem && !HANGUL.test(stem)))) forms.push(stem);
  }
  return forms;
}

/** A dictionary made ready: every name -> the names of the same thing; every known word. */
export function prepare({ words, pages }) {
  const names = new Map();
  for (const group of words) {
    for (const name of group) {
      const known = names.get(compact(name)) ?? [];
      names.set(compact(name), [...new Set([...known, name, ...group])]);
    }
  }
  const known = new Set([...names.keys(), ...[...ASKING].filter((word) => HANGUL.test(word) && word.length >= 2)]);
  for (const page of pages) {
    for (const word of [page.title, ...(page.tags ?? [])].flatMap((text) => normalize(text).split(" "))) {
      const stem = shortest(word);
      if (HANGUL.test(stem) && stem.length >= 2 && !ASKING.has(word)) known.add(stem);
    }
  }
  const indexed = pages.map((page) => ({
    ...page,
    words: normalize(page.title).split(" "),
    whole: compact(page.title),
    tagged: (page.tags ?? []).map(compact),
    related: (page.terms ?? []).map(compact),
  }));
  return { names, known, pages: indexed };
}

function shortest(word) {
  return stems(word).reduce((best, form) => (form.length < best.length ? form : best));
}

const LONGEST = 12; // syllables of a piece that may be known

// The pieces of a word up to `start`, and one more: unknown ones beside each other are one.
function withPiece(pieces, text, isKnown) {
  const last = pieces.at(-1);
  if (isKnown || !last || last.known) return [...pieces, { text, known: isKnown }];
  return [...pieces.slice(0, -1), { text: last.text + text, known: false }];
}

/** A word without spaces cut into known words, or null: as much of it known as can be, in as few pieces as can be. */
export function segment(word, known) {
  const best = [{ unknown: 0, pieces: [] }]; // of what comes before each syllable; unknown: how much of it
  const upTo = (start, end) => {
    const text = word.slice(start, end);
    const isKnown = text.length >= 2 && known.has(text);
    if (!isKnown && text.length > 1) return null;
    const cost = isKnown ? 0 : start > 0 && ENDINGS.includes(text) ? 0.5 : 1; // an ending may join two words
    return { unknown: best[start].unknown + cost, pieces: withPiece(best[start].pieces, text, isKnown) };
  };
  const order = (one, other) => one.unknown - other.unknown || one.pieces.length - other.pieces.length;
  for (let end = 1; end <= word.length; end++) {
    const first = Math.max(0, end - LONGEST);
    const ways = Array.from({ length: end - first }, (_, i) => upTo(first + i, end)).filter(Boolean);
    best.push(ways.reduce((one, other) => (order(other, one) < 0 ? other : one)));
  }
  const { unknown, pieces } = best.at(-1);
  if (!pieces.some((piece) => piece.known) || unknown > word.length / 2) return null;
  const says = (piece) => piece.known || (piece.text.length >= 2 && !ENDINGS.includes(piece.text));
  return pieces.filter(says).map((piece) => piece.text);
}

// The longest name of a thing that begins at a token, of four tokens at most -> [its form, tokens], or null.
function nameAt(tokens, start, names) {
  for (let length = Math.min(4, tokens.length - start); length > 0; length--) {
    const form = stems(tokens.slice(start, start + length).join("")).find((candidate) => names.has(candidate));
    if (form) return [form, length];
  }
  return null;
}

// What a token that is no name is about: a known word, the known words that it is cut into, or its shortest form.
function pieces(token, known) {
  const whole = stems(token).find((candidate) => known.has(candidate));
  const isLong = !whole && HANGUL.test(token) && token.length >= 4;
  const cut = (isLong && segment(token, known)) || [whole ?? shortest(token)];
  return cut.filter((piece) => !ASKING.has(piece));
}

/** A query as groups of names of the same thing: [[name, …], …]. */
export function parse(query, { names, known }) {
  const tokens = normalize(query).split(" ").filter(Boolean);
  const groups = [];
  for (let start = 0; start < tokens.length; ) {
    const [form, length] = nameAt(tokens, start, names) ?? [null, 1];
    if (form) groups.push(names.get(form));
    else if (!ASKING.has(tokens[start])) {
      for (const piece of pieces(tokens[start], known)) groups.push(names.get(piece) ?? [piece]);
    }
    start += length;
  }
  const seen = new Set();
  const unique = groups.filter(([name]) => !seen.has(compact(name)) && seen.add(compact(name)));
  return unique.length ? unique : tokens.map((token) => [shortest(token)]);
}

// An answer before a definition before a record; lists of links are no answer at all.
const KIND_WEIGHT = { thread: 1, term: 0.95, notebook: 0.7, chapter: 0.6, glossary: 0.4, contents: 0, tags: 0 };

function inTitle(page, name) {
  const text = compact(name);
  if (page.whole === text) return 1;
  const isShort = text.length === 1 || /^[a-z0-9]{1,3}$/.test(text); // "n" is in "token", but not its meaning
  const found = isShort ? page.words.some((word) => stems(word).includes(text)) : page.whole.includes(text);
  return found ? 0.8 : 0;
}

// All that the groups say together, under any of their names: "vision transformer 구조" is the tag "ViT 구조".
function together(groups) {
  if (groups.length < 2 || groups.length > 4) return new Set();
  const join = (starts, group) => starts.flatMap((start) => group.map((name) => start + compact(name)));
  return new Set(groups.reduce(join, [""]));
}

/** Pages from the best down. hits: Map of url -> [score of the text, 0…1, for each group], from the full-text index. */
export function rank(groups, { pages }, hits) {
  const whole = together(groups);
  return pages
    .map((page) => {
      const isAbout = page.tagged.some((tag) => whole.has(tag));
      let score = 0;
      let matched = 0;
      groups.forEach((group, index) => {
        const title = Math.max(...group.map((name) => inTitle(page, name)));
        const among = (list) => group.some((name) => list.includes(compact(name)));
        const tag = isAbout || among(page.tagged) ? 0.5 : among(page.related) ? 0.3 : 0;
        const text = hits.get(page.url)?.[index] ?? 0;
        if (title || tag || text) matched += 1;
        score += 2 * Math.max(title, tag) + text;
      });
      return { page, score: score * (KIND_WEIGHT[page.kind] ?? 0.6) * (matched / groups.length) };
    })
    .filter((row) => row.score > 0)
    .sort((a, b) => b.score - a.score);
}
