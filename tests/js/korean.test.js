// Endings, letters and keys of Korean words: docs/assets/js/korean.js; and parts of formulas, names of lost pages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFormula, parts } from "../../docs/assets/js/formulas.js";
import { endingsOf, isNear, letters, meantByKeys, typed } from "../../docs/assets/js/korean.js";
import { nearest } from "../../docs/assets/js/nearest.js";

const { forms, root } = endingsOf({ endings: ["에서는", "에서", "어요", "는", "도"], afterOne: ["어요", "는"] });

test("a word loses its endings, but no syllable that is all of it", () => {
  assert.deepEqual(forms("는"), ["는"]);
  assert.deepEqual(forms("tokens"), ["tokens", "token"]);
  assert.ok(forms("어텐션에서는").includes("어텐션"));
  assert.equal(root("속도"), "속도");
  assert.equal(root("섞어요"), "섞");
});

test("what is drawn together is drawn out: 나눠 and 나누는 are one word", () => {
  for (const [word, is] of Object.entries({
    나눠: "나누",
    나누는: "나누",
    나눴어요: "나누",
    더해: "더하",
    보여: "보이",
  })) {
    assert.equal(root(word), is);
  }
});

const KEYS = { dlaqpeld: "임베딩", ghkrfbf: "확률", djxpstus: "어텐션", rkqt: "값", xhzmsrkqt: "토큰값" };
for (const [keys, korean] of Object.entries(KEYS)) {
  test(`the same keys on two keyboards: ${keys}`, () => {
    assert.equal(meantByKeys(keys), korean);
    assert.equal(typed(korean), keys);
  });
}

test("keys that make no syllables mean no Korean", () => {
  for (const keys of ["asdfqwer", "token", "gelu", ""]) assert.equal(meantByKeys(keys), "");
});

test("capitals: only those that change a letter count", () => {
  assert.equal(meantByKeys("Dlaqpeld"), "임베딩");
  assert.equal(typed("까"), "Rk");
});

test("one letter more, less, other, or two exchanged", () => {
  const near = (one, other) => isNear(letters(one), letters(other));
  assert.ok(
    near("어탠션", "어텐션") && near("트랜스포머", "트렌스포머") && near("token", "tokne") && near("conv", "cov"),
  );
  assert.ok(near("토큰", "토큰"));
  assert.ok(!near("어탠숀", "어텐션") && !near("패치", "토큰"));
});

const PARTS = {
  "softmax(QK^T/√d_k)V": ["softmax", "qkt", "√d", "v"],
  "√dk": ["√d"],
  "\\sqrt{d_k}": ["√d"],
  "\\beta_t": ["βt"],
  "p(x₃|x_2)": ["p", "x3", "x2"],
  "N²": ["n2"],
  "QK⊤": ["qkt"],
};
for (const [text, is] of Object.entries(PARTS)) {
  test(`parts of a formula: ${text}`, () => {
    assert.ok(isFormula(text));
    assert.deepEqual(parts(text), is);
  });
}

test("names of code, words and numbers are no formulas", () => {
  for (const word of ["pos_embed", "load_state_dict", "뭐예요?", "k=3이면", "softmax", "224px"])
    assert.ok(!isFormula(word), word);
});

const PAGES = ["qa/vit-structure/class-token/", "qa/vit-structure/", "notebooks/gelu/", "glossary/#x"].map((url) => ({
  url,
}));
const LOST = {
  "/mundap/qa/vit/class-token/": "qa/vit-structure/class-token/",
  "/mundap/class_tokens.html": "qa/vit-structure/class-token/",
  "/mundap/gelu": "notebooks/gelu/",
  "/%E0%A4%A": undefined,
  "/": undefined,
  "/무엇": undefined,
};
for (const [path, url] of Object.entries(LOST)) {
  test(`the page that a lost address meant: ${path}`, () => {
    assert.equal(nearest(path, PAGES)?.url, url);
  });
}
