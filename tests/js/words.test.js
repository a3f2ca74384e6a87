// What the 실험실 says of a run: docs/assets/js/lab/words.js.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CLASSES } from "../../docs/assets/js/lab/scenes.js";
import { changeText, nameOf, percent, seenText, tokenText, verdictText } from "../../docs/assets/js/lab/words.js";

const only = (letter, chance = 1) => CLASSES.map((each) => (each === letter ? chance : (1 - chance) / 5));

test("a small share keeps a decimal", () => {
  assert.deepEqual([0.0004, 0.0994, 0.0996, 1].map(percent), ["0.0%", "9.9%", "10%", "100%"]);
});

test("a token is named by row and column from 1", () => {
  assert.equal(nameOf(0, 8), "클래스 토큰");
  assert.equal(nameOf(1 + 2 * 8 + 4, 8), "3행 5열");
  assert.match(tokenText(9, 8), /2행 1열의 패치예요\.$/);
  assert.match(tokenText(0, 8), /클래스 토큰이에요\.$/);
});

test("where a query looks most", () => {
  const heat = [0.2, 0.5, 0.3];
  assert.equal(
    seenText({ map: "rollout", query: 0, grid: 2, heat, top: 1 }),
    "클래스 토큰까지 가장 많이 온 곳: 1행 1열 50%",
  );
  const cls = seenText({ map: "1-2", query: 0, grid: 2, heat, top: 1 });
  assert.equal(cls, "클래스 토큰에서 본 곳: 1행 1열 50%, 자기 자신 20%");
  assert.match(seenText({ map: "rollout", query: 2, grid: 2, heat, top: 1 }), /^1행 2열에서 본 곳: /);
});

test("an answer is right, wrong, or nobody knows", () => {
  assert.equal(verdictText(only("ㄴ", 0.98), CLASSES.indexOf("ㄴ")), "ㄴ 98%. 맞혔어요.");
  assert.equal(verdictText(only("ㄴ"), CLASSES.indexOf("ㄱ")), "ㄴ 100%. 정답은 ㄱ이에요.");
  assert.equal(verdictText(only("ㄴ"), CLASSES.indexOf("ㅏ")), "ㄴ 100%. 정답은 ㅏ예요.");
  assert.equal(verdictText(only("ㄴ"), -1), "ㄴ 100%.");
});

test("a change is told by the logits and by the answer", () => {
  const say = (shift, letter) => {
    const now = { logits: [shift, 0], chances: only("ㄴ") };
    return changeText(now, { logits: [0, 0], chances: only(letter, 0.6) }, "섞기 전");
  };
  assert.match(
    say(5e-5, "ㄴ"),
    /^가는 금은 섞기 전의 확률이에요\. .*로짓이 그대로예요\(반올림 오차뿐\)\. 답도 같아요\.$/,
  );
  assert.match(say(0.034, "ㅏ"), /최대 0\.03만큼 달라요\. 그때는 ㅏ라고 답했어요\(60%\)\.$/);
  assert.match(say(-2.34, "ㄱ"), /최대 2\.3만큼 달라요\. 그때는 ㄱ이라고 답했어요\(60%\)\.$/);
});
