// The model comes: by itself where the stage is seen and the reader does not save data, else when it is asked for.
import { whyNot } from "./engine.js";
import { changed } from "./frames.js";
import { load } from "./model.js";
import { isEmbedded, lab, part, store } from "./store.js";

const READY = "모델이 이 기기에서 돌고 있어요. 그림은 어디로도 보내지 않아요.";

// Whether this tab has asked for the model before: then the browser has it, and a link from a thread opens at once.
const asked = {
  get before() {
    try {
      return sessionStorage.getItem("lab-asked");
    } catch {
      return null; // storage may be shut off
    }
  },
  remember() {
    try {
      sessionStorage.setItem("lab-asked", "1");
    } catch {
      // then it asks again
    }
  },
};

const savesData = () => navigator.connection?.saveData;
let isLoading = false;

function showProgress(bytes) {
  const total = Number(lab.dataset.bytes);
  part("progress").value = Math.min(1, bytes / total);
  if (bytes >= total) part("told").textContent = "계산할 준비를 하고 있어요.";
}

/** Load the model, unless it is there or on its way, and show what it answers. */
export async function start() {
  if (store.model || isLoading) return;
  isLoading = true;
  const button = part("load");
  const progress = part("progress");
  const isFocused = document.activeElement === button;
  button.hidden = true;
  progress.hidden = false;
  part("told").textContent = "기록을 보여 드리는 동안 모델을 불러오고 있어요.";
  try {
    store.model = await load(showProgress);
    if (savesData()) asked.remember();
    lab.classList.add("ready");
    if (isFocused) part("scene").focus({ preventScroll: true });
    progress.hidden = true;
    part("told").textContent = READY;
    store.model.lost.then(lost);
    changed();
  } catch (error) {
    console.warn(error);
    part("told").textContent =
      whyNot(error.message) ?? "모델을 불러오지 못했어요. 인터넷 연결을 확인하고 다시 눌러 주세요.";
    progress.hidden = true;
    button.hidden = false;
  } finally {
    isLoading = false;
  }
}

// The model has died after it was there: what is seen is its last answer, or the record.
function lost(reason) {
  console.warn(reason);
  store.model = null;
  lab.classList.remove("ready");
  part("told").textContent = `${whyNot(reason) ?? "모델이 멈췄어요."} 다시 불러올 수 있어요.`;
  part("load").hidden = false;
  changed();
}

/** Wait for the stage to be seen, or for the reader to ask. */
export function startWhenSeen() {
  part("load").addEventListener("click", start);
  if (isEmbedded) {
    start(); // who opened it in a thread has asked
    return;
  }
  if (savesData() && !asked.before) {
    part("load").hidden = false;
    part("told").textContent = "보이는 답은 같은 모델의 기록이에요. 모델을 불러오면 이 기기에서 계산해요.";
    return;
  }
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    (window.requestIdleCallback ?? setTimeout)(start); // what is read comes first
  });
  observer.observe(part("scene"));
}
