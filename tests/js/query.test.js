// What a query means, and which page answers it: docs/assets/js/query.js, rank.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { letters } from "../../docs/assets/js/korean.js";
import {
  compact,
  mended,
  normalize,
  parse,
  prepare,
  readyPage,
  segment,
  strangers,
  withWords,
  wordsOf,
} from "../../docs/assets/js/query.js";
import { bestSaid, rank } from "../../docs/assets/js/rank.js";

// As search-index/index.json has it; mundap.site.search writes it.
const DICTIONARY = prepare({
  endings: "에서는 인가요 하나요 로 를 을 의 는 은 이 이란 으로 면 나요 어요".split(" "),
  afterOne: ["어요", "는", "은", "을"],
  frequent: "어텐션 헤드별 따로 해상도 높이 정확도 차이 만드 코드 가중치 감쇠 섞 바뀌 과적합 파이토치 짜 값 이상",
  words: [
    ["위치 임베딩", "position embedding", "positional encoding", "pos_embed"],
    ["보간", "interpolation"],
    ["귀납적 편향", "inductive bias", "귀납편향"],
    ["쿼리·키·값", "query, key, value", "QKV", "쿼리 키 값"],
  ],
});

const PAGES = [
  {
    url: "qa/a/pe/",
    title: "해상도가 바뀌면 위치 임베딩은 왜 2차원으로 보간하나요?",
    kind: "thread",
    tags: ["해상도"],
    terms: ["위치 임베딩"],
  },
  { url: "qa/a/bias/", title: "귀납적 편향이 강하다는 것은 무슨 뜻인가요?", kind: "thread", tags: ["과적합"] },
  {
    url: "qa/a/qkv/",
    title: "Q, K, V는 코드로 어떻게 만드나요?",
    kind: "thread",
    tags: ["쿼리·키·값"],
    also: ["파이토치로 처음부터 짜기", "에러는 안 나는데 값이 이상해요"],
    says: [["true", "✓", "맞음", "Linear 하나로 만들어 나눠요"], ["softmax는 여기서 쓰지 않아요"]],
    formulas: "QK⊤\nsoftmax(QK⊤/√dk)V",
  },
  { url: "qa/a/", title: "위치 임베딩", kind: "chapter", tags: [] },
  { url: "tags/", title: "태그", kind: "tags", tags: [] },
  {
    url: "glossary/#위치-임베딩",
    title: "위치 임베딩",
    kind: "term",
    tags: ["position embedding", "positional encoding", "pos_embed"],
  },
  { url: "glossary/#보간", title: "보간", kind: "term", tags: ["interpolation"] },
  { url: "glossary/#귀납적-편향", title: "귀납적 편향", kind: "term", tags: ["inductive bias", "귀납편향"] },
  {
    url: "glossary/#쿼리-키-값",
    title: "쿼리·키·값",
    kind: "term",
    tags: ["query, key, value", "QKV", "쿼리 키 값"],
  },
].map((page) => readyPage(page, DICTIONARY.root));
const ranked = (query, hits = new Map()) => rank(parse(query, DICTIONARY).groups, PAGES, DICTIONARY, hits);

const GROUPS = {
  "위치 임베딩을": ["위치 임베딩"],
  위치임베딩의보간: ["위치 임베딩", "보간"],
  "위치임베딩은어떻게보간하나요?": ["위치 임베딩", "보간"],
  "positional encoding interpolation": ["positional encoding", "interpolation"],
  POS_EMBED: ["pos_embed"],
  쿼리키값: ["쿼리·키·값"],
  "Q·K·V를 만드는 코드": ["QKV", "만드", "코드"],
  "귀납편향이란 무엇인가요": ["귀납편향"],
  어텐션에서는: ["어텐션"],
  "헤드별로 따로": ["헤드별", "따로"],
  "해상도를 높이면": ["해상도", "높이"],
  "64차원 헤드별": ["차원", "헤드별"],
  왜: ["왜"],
  "...": [],
};
const firsts = (query) => parse(query, DICTIONARY).groups.map(({ names }) => names[0]);
for (const [query, groups] of Object.entries(GROUPS)) {
  test(`a query is cut into what it is about: ${query}`, () => {
    assert.deepEqual(firsts(query), groups);
  });
}

test("names of one thing come together, the typed one first", () => {
  const { groups } = parse("inductive bias", DICTIONARY);
  assert.deepEqual(groups, [{ names: ["inductive bias", "귀납적 편향", "귀납편향"] }]);
});

const FIRST = {
  "위치 임베딩 보간": "qa/a/pe/",
  해상도가바뀌면: "qa/a/pe/",
  과적합: "qa/a/bias/",
  "쿼리 코드": "qa/a/qkv/",
  "파이토치로 짜면 값이 이상": "qa/a/qkv/",
  "inductive bias 뜻": "glossary/#귀납적-편향",
};
for (const [query, url] of Object.entries(FIRST)) {
  test(`titles and tags rank without any text: ${query}`, () => {
    assert.equal(ranked(query)[0].page.url, url);
  });
}

test("a page with every word beats one with the best word, and the list of tags is no answer", () => {
  const hits = new Map([
    ["qa/a/bias/", [0.7, 0.7]],
    ["qa/a/qkv/", [1, 0.1]],
    ["tags/", [1, 1]],
  ]);
  const urls = rank([{ names: ["가중치"] }, { names: ["감쇠"] }], PAGES, DICTIONARY, hits).map(({ page }) => page.url);
  assert.deepEqual(urls, ["qa/a/bias/", "qa/a/qkv/"]);
});

test("long input does not hang", { timeout: 10_000 }, () => {
  assert.equal(parse("위치임베딩".repeat(200), DICTIONARY).groups.length, 1);
  assert.equal(parse("가나다라마바사아자차카타파하".repeat(100), DICTIONARY).groups.length, 1);
});

test("text is compared without case, marks, spaces and however its Hangul is composed", () => {
  assert.equal(normalize("  Q·K-V를\u1112\u1161\u11ab "), "q k v를한");
  assert.equal(compact("위치 임베딩"), compact("위치임베딩"));
});

test("a word of which nothing is known is not cut", () => {
  const known = new Set(["위치", "임베딩"]);
  assert.equal(
    segment("가나다라", (text) => known.has(text)),
    null,
  );
  assert.deepEqual(
    segment("위치임베딩", (text) => known.has(text)),
    ["위치", "임베딩"],
  );
});

const MENDED = {
  귀납적편항: "귀납적편향",
  qhrks: "보간",
  dnlcldlaqpelddmlqhrks: "위치임베딩의보간",
  asdfqwer: "",
  밥솥: "",
};
for (const [word, meant] of Object.entries(MENDED)) {
  test(`one slip is understood, nonsense is not: ${word}`, () => {
    assert.equal(mended(word, DICTIONARY), meant);
  });
}

test("a word in the making is the one that it becomes, and no slip", () => {
  for (const query of ["위치 임", "위치 임ㅂ", "위치 임베디", "interpola"]) {
    const { groups, meant } = parse(query, DICTIONARY);
    assert.equal(meant, "");
    assert.ok(!groups.some((group) => group.isUnknown), query);
  }
  assert.deepEqual(parse("귀납적 편햐", DICTIONARY).groups.at(-1).names[0], "편향");
});

test("what was meant is told, and found", () => {
  const { groups, meant } = parse("인터플레이션 dnlcl dlaqpeld", DICTIONARY);
  assert.equal(meant, "인터플레이션 위치 임베딩");
  assert.ok(groups[0].isUnknown);
  assert.deepEqual(groups[1].names[0], "위치 임베딩");
});

test("words typed with the Korean keyboard are English again", () => {
  assert.deepEqual(parse("ㅑㅜㅅㄷ겝ㅐㅣㅁ샤ㅐㅜ", DICTIONARY), {
    groups: [{ names: ["interpolation", "보간"] }],
    meant: "interpolation",
  });
});

for (const formula of ["QK^T", "softmax(QK^T/√d)V", "√d_k", "\\sqrt{d_k}", "루트 d"]) {
  test(`a formula is found by its parts: ${formula}`, () => {
    assert.equal(ranked(formula)[0].page.url, "qa/a/qkv/");
  });
}

test("a page without most of what is asked answers nothing", () => {
  for (const query of ["오늘 서울 날씨 코드", "아이폰 코드"]) {
    assert.deepEqual(ranked(query), [], query);
  }
  assert.notDeepEqual(ranked("아이폰 보간"), []); // a term says more
});

test("the statement that says what is asked, with its verdict", () => {
  const page = PAGES.find(({ url }) => url === "qa/a/qkv/");
  assert.equal(bestSaid(page, parse("Linear로 나눠요", DICTIONARY).groups, DICTIONARY)[2], "맞음");
  assert.equal(bestSaid(page, parse("해상도", DICTIONARY).groups, DICTIONARY), null);
});

test("a query of a keyboard that spells Hangul in pieces", () => {
  for (const query of ["위치 임베딩의 보간", "귀납편향이 뭔가요", "쿼리키값"]) {
    assert.deepEqual(parse(query.normalize("NFD"), DICTIONARY), parse(query, DICTIONARY));
  }
});

test("words that are looked up are known from then on, and what was meant by a misspelt one", () => {
  assert.deepEqual(wordsOf("패치를 왜 나눠요", DICTIONARY), ["패치를", "패치", "나눠요", "나눠요"]);
  const known = withWords(DICTIONARY, ["패치"]);
  assert.ok(!parse("패치를", known).groups[0].isUnknown && parse("패치를", DICTIONARY).groups[0].isUnknown);
  assert.equal(mended("컨볼루선", withWords(DICTIONARY, [], ["컨볼루션"])), "컨볼루션");
  assert.equal(mended("컨볼루선", DICTIONARY), "");
});

test("one slip leaves one of the halves that a word is looked up by", () => {
  const meant = letters("트랜스포머");
  const slips = meant.flatMap((letter, place) => {
    const [before, after] = [meant.slice(0, place), meant.slice(place + 1)];
    const exchanged = after.length ? [[...before, after[0], letter, ...after.slice(1)]] : [];
    return [[...before, ...after], [...before, "z", ...after], [...before, "z", letter, ...after], ...exchanged];
  });
  for (const slip of slips) {
    const { starts, ends } = strangers(slip.join(""), DICTIONARY);
    const isStart = starts.some((start) => start.length > 2 && meant.join("").startsWith(start));
    const isEnd = ends.some((end) => end.length > 2 && [...meant].reverse().join("").startsWith(end));
    assert.ok(isStart || isEnd, slip.join(""));
  }
});

test("nothing is looked up for words that are known", () => {
  assert.deepEqual(strangers("위치 임베딩을 보간은", DICTIONARY), { words: [], starts: [], ends: [] });
});
