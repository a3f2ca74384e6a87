// What the 실험실 says of a run, in Korean; everything here is a function of its arguments.
import { nameOf, percent } from "./names.js";
import { CLASSES } from "./scenes.js";

export { nameOf, percent };

const SAME = 1e-4; // logits nearer than this differ by rounding alone

const isVowel = (label) => CLASSES[label] >= "ㅏ"; // its name ends without a consonant

/** Where a query looks most: heat is its row of the map, top the patch's token with the greatest weight. */
export function seenText({ map, query, grid, heat, top }) {
  const [from, most] = [nameOf(query, grid), `${nameOf(top, grid)} ${percent(heat[top])}`];
  if (!query && map === "rollout") return `${from}까지 가장 많이 온 곳: ${most}`;
  return `${from}에서 본 곳: ${most}, ${query ? "클래스 토큰" : "자기 자신"} ${percent(heat[0])}`;
}

/** The answer and whether it is right. chances: of all letters; right: the letter's label, -1 where nobody knows. */
export function verdictText(chances, right) {
  const best = chances.indexOf(Math.max(...chances));
  const answer = `${CLASSES[best]} ${Math.round(100 * chances[best])}%.`;
  if (right < 0) return answer;
  if (right === best) return `${answer} 맞혔어요.`;
  return `${answer} 정답은 ${CLASSES[right]}${isVowel(right) ? "예요" : "이에요"}.`;
}

/** What has changed since `before`. now, before: { logits, chances }; when: what `before` was. */
export function changeText(now, before, when) {
  const most = Math.max(...now.logits.map((value, i) => Math.abs(value - before.logits[i])));
  const rounded = most < 0.1 ? most.toPrecision(1) : most.toFixed(1);
  const change = most < SAME ? "로짓이 그대로예요(반올림 오차뿐)" : `로짓이 최대 ${rounded}만큼 달라요`;
  const [best, then] = [now, before].map(({ chances }) => chances.indexOf(Math.max(...chances)));
  const said = `${CLASSES[then]}${isVowel(then) ? "라고" : "이라고"} 답했어요(${Math.round(100 * before.chances[then])}%)`;
  const answered = best === then ? "답도 같아요" : `그때는 ${said}`;
  return `가는 금은 ${when}의 확률이에요. 그때와 견주면 ${change}. ${answered}.`;
}

/** What the column of tokens with a border around it is. */
export function tokenText(query, grid) {
  const name = `${nameOf(query, grid)}${query ? "의 패치예요" : "이에요"}`;
  return `세로줄 하나가 토큰 하나예요. 테두리를 두른 줄은 ${name}.`;
}
