// The model comes when it is asked for; one that this browser has kept opens by itself once the page is seen.
import { whyNot } from "../lab/engine.js";
import { changed } from "./frames.js";
import { KEPT, load } from "./model.js";
import { lab, part, store } from "./store.js";

const READY = "모델이 이 기기에서 돌고 있어요. 아무 패치나 눌러 보세요.";
const FILES = Object.fromEntries(
  ["graph", "wasm"].map((name) => [name, new URL(lab.dataset[name], location.href).href]),
);

let isLoading = false;

// Whether the browser has kept both files of this version.
async function isKept() {
  try {
    if (!(await caches.has(KEPT))) return false;
    const kept = await caches.open(KEPT);
    const found = await Promise.all(Object.values(FILES).map((url) => kept.match(url)));
    return found.every(Boolean);
  } catch {
    return false; // a page that is not served safely has no such store
  }
}

function showProgress(bytes) {
  const total = Number(lab.dataset.bytes);
  part("progress").value = Math.min(1, bytes / total);
  const [come, all] = [bytes, total].map((count) => (count / 1e6).toFixed(0));
  part("told").textContent = bytes < total ? `${all} MB 가운데 ${come} MB가 왔어요.` : "계산할 준비를 하고 있어요.";
}

function showLoaded(isThere) {
  part("load").classList.toggle("away", isThere || isLoading); // its place stays, so that nothing moves
  part("progress").hidden = !isLoading;
  lab.classList.toggle("ready", isThere);
}

async function start() {
  if (store.model || isLoading) return;
  isLoading = true;
  const isFocused = document.activeElement === part("load");
  showLoaded(false);
  part("told").textContent = "모델을 불러오고 있어요.";
  try {
    store.model = await load(FILES, showProgress);
    store.model.lost.then(lost);
    part("told").textContent = READY;
    if (isFocused) part("map").focus({ preventScroll: true });
  } catch (error) {
    console.warn(error);
    part("told").textContent =
      whyNot(error.message) ?? "모델을 불러오지 못했어요. 인터넷 연결을 확인하고 다시 눌러 주세요.";
  }
  isLoading = false;
  showLoaded(Boolean(store.model));
  part("forget").hidden = !(await isKept());
  if (store.model) changed();
}

// The model has died after it was there: the last answer stays, and it can be loaded again.
function lost(reason) {
  console.warn(reason);
  store.model = null;
  showLoaded(false);
  part("told").textContent =
    `${whyNot(reason) ?? "모델이 멈췄어요. 기억 공간이 모자랐을 수 있어요."} 다시 불러올 수 있어요.`;
}

async function forget() {
  await caches.delete(KEPT);
  part("forget").hidden = true;
  part("told").textContent = "저장한 모델을 지웠어요. 다음에는 다시 받아요.";
}

/** Wait for the reader to ask, unless the model is in this browser already. */
export async function startWhenAsked() {
  part("load").addEventListener("click", start);
  part("forget").addEventListener("click", forget);
  const kept = await isKept();
  part("forget").hidden = !kept;
  if (kept) start();
}
