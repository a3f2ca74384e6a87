// What a query means, and which page answers it: docs/assets/js/query.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compact, normalize, parse, prepare, rank, segment, stems } from "../../docs/assets/js/query.js";

// As pagefind/dictionary.json has it; mundap.site.search writes it.
const DICTIONARY = prepare({
  words: [
    ["위치 임베딩", "position embedding", "positional encoding", "pos_embed"],
    ["보간", "interpolation"],
    ["귀납적 편향", "inductive bias", "귀납편향"],
    ["쿼리·키·값", "query, key, value", "QKV", "쿼리 키 값"],
  ],
  pages: [
    {
      url: "qa/a/pe/",
      title: "해상도가 바뀌면 위치 임베딩은 왜 2차원으로 보간하나요?",
      kind: "thread",
      tags: ["해상도"],
      terms: ["위치 임베딩"],
    },
    { url: "qa/a/bias/", title: "귀납적 편향이 강하다는 것은 무슨 뜻인가요?", kind: "thread", tags: ["과적합"] },
    { url: "qa/a/qkv/", title: "Q, K, V는 코드로 어떻게 만드나요?", kind: "thread", tags: ["쿼리·키·값"] },
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
  ],
});

const GROUPS = {
  "위치 임베딩을": [["위치 임베딩"]],
  위치임베딩의보간: [["위치 임베딩"], ["보간"]],
  "위치임베딩은어떻게보간하나요?": [["위치 임베딩"], ["보간"]],
  "positional encoding interpolation": [["positional encoding"], ["interpolation"]],
  POS_EMBED: [["pos_embed"]],
  쿼리키값: [["쿼리·키·값"]],
  "Q·K·V를 만드는 코드": [["QKV"], ["만드"], ["코드"]],
  "귀납편향이란 무엇인가요": [["귀납편향"]],
  어텐션에서: [["어텐션"]],
  "헤드별로 따로": [["헤드별"], ["따로"]],
  "해상도를 높이면": [["해상도"], ["높이면"]],
  정확도: [["정확"]],
  차이: [["차이"]],
  왜: [["왜"]],
  "...": [],
};
for (const [query, groups] of Object.entries(GROUPS)) {
  test(`a query is cut into what it is about: ${query}`, () => {
    const names = parse(query, DICTIONARY).map((group) => group.slice(0, 1));
    assert.deepEqual(names, groups);
  });
}

test("names of one thing come together, the typed one first", () => {
  assert.deepEqual(parse("inductive bias", DICTIONARY), [["inductive bias", "귀납적 편향", "귀납편향"]]);
});

const FIRST = {
  "위치 임베딩 보간": "qa/a/pe/",
  해상도가바뀌면: "qa/a/pe/",
  과적합: "qa/a/bias/",
  "쿼리 코드": "qa/a/qkv/",
  "inductive bias 뜻": "glossary/#귀납적-편향",
};
for (const [query, url] of Object.entries(FIRST)) {
  test(`titles and tags rank without any text: ${query}`, () => {
    assert.equal(rank(parse(query, DICTIONARY), DICTIONARY, new Map())[0].page.url, url);
  });
}

test("a page with every word beats one with the best word, and the list of tags is no answer", () => {
  const hits = new Map([
    ["qa/a/bias/", [0.6, 0.6]],
    ["qa/a/qkv/", [1, 0]],
    ["tags/", [1, 1]],
  ]);
  const urls = rank([["가중치"], ["감쇠"]], DICTIONARY, hits).map(({ page }) => page.url);
  assert.deepEqual(urls, ["qa/a/bias/", "qa/a/qkv/"]);
});

test("long input does not hang", { timeout: 10_000 }, () => {
  assert.equal(parse("위치임베딩".repeat(200), DICTIONARY).length, 1);
  assert.equal(parse("가나다라마바사아자차카타파하".repeat(100), DICTIONARY).length, 1);
});

test("text is compared without case, marks, spaces and however its Hangul is composed", () => {
  assert.equal(normalize("  Q·K-V를\u1112\u1161\u11ab "), "q k v를한");
  assert.equal(compact("위치 임베딩"), compact("위치임베딩"));
});

test("a word loses its endings, but no syllable that is all of it", () => {
  assert.deepEqual(stems("나"), ["나"]);
  assert.deepEqual(stems("tokens"), ["tokens", "token"]);
  assert.ok(stems("어텐션에서는").includes("어텐션"));
});

test("a word of which nothing is known is not cut", () => {
  assert.equal(segment("가나다라", new Set(["마바"])), null);
  assert.deepEqual(segment("위치임베딩", new Set(["위치", "임베딩"])), ["위치", "임베딩"]);
});

test("a query of a keyboard that spells Hangul in pieces", () => {
  for (const query of ["위치 임베딩의 보간", "귀납편향이 뭔가요", "쿼리키값"]) {
    assert.deepEqual(parse(query.normalize("NFD"), DICTIONARY), parse(query, DICTIONARY));
  }
});
