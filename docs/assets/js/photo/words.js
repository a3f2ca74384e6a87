// What the page says of a run, in Korean; everything here is a function of its arguments.
import { nameOf, percent } from "../lab/names.js";

/** A cosine as it is shown: 1 only where it is, so that what nearly agrees is not said to be the same. */
export function cosine(value) {
  const digits = value < 0.9999 && value >= 0.995 ? 4 : 2;
  return value.toFixed(digits).replace("-", "−");
}

/** Which map a state shows. */
export function mapName({ view, layer, head, from }) {
  if (view === "likeness") return "닮은 정도";
  if (view === "components") return "특징의 색";
  if (view === "rollout") return from === 1 ? "롤아웃" : "첫 층을 뺀 롤아웃";
  return `${layer}층 ${head === "mean" ? "헤드 평균" : `헤드 ${head}`}`;
}

/** What is seen in the map. heat: its weights of all tokens; top: the patch's token with the greatest. */
export function seenText({ state, query, grid, heat, top }) {
  const from = nameOf(query, grid);
  const place = top === query ? "자기 자신" : nameOf(top, grid);
  if (state.view === "likeness") {
    return `${from}${query ? "의 패치와" : "과"} 가장 닮은 곳: ${nameOf(top, grid)}, 코사인 ${cosine(heat[top])}`;
  }
  const most = `${place} ${percent(heat[top])}`;
  if (state.view === "rollout") return `${from}까지 가장 많이 온 곳: ${most}`;
  return `${from}에서 가장 많이 본 곳: ${most}${query ? "" : `, 자기 자신 ${percent(heat[0])}`}`;
}

/** What the colours of the components hold. */
export const componentsText = (share) =>
  `패치 특징이 서로 다른 정도의 ${percent(share)}가 이 세 색에 담겼어요. 비슷한 색은 비슷한 특징이에요.`;

/** How far the features have gone from those with the positions as the model knows them. */
export const agreementText = (mean) =>
  `이렇게 바꾸니 패치 특징이 ‘원래대로’일 때와 코사인 ${cosine(mean)}만큼 닮았어요. 1이면 그대로예요.`;
