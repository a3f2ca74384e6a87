// Photograph and map under the reader's hand: a patch is touched, by mouse, finger and keys; and pictures of their own.
import { takesPictures } from "../lab/files.js";
import { choose, set } from "./controls.js";
import { looked } from "./frames.js";
import { PATCH } from "./model.js";
import { part, store } from "./store.js";

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

const gridNow = () => store.state.size / PATCH;
const clamp = (value) => Math.min(Math.max(value, 0), gridNow() - 1);

function patchAt(canvas, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [(clientY - top) / height, (clientX - left) / width].map((share) => clamp(Math.floor(share * gridNow())));
}

function hover(patch) {
  if (String(patch) === String(store.hovered)) return;
  store.hovered = patch;
  looked();
}

for (const canvas of [part("picture"), part("map")]) {
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    choose(patchAt(canvas, event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) choose(patchAt(canvas, event));
    else if (event.pointerType === "mouse") hover(patchAt(canvas, event));
  });
  canvas.addEventListener("pointerleave", () => hover(null));
}

part("map").addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  const { query } = store.state;
  const middle = gridNow() >> 1;
  if (event.key === "Home") choose("cls");
  else if (arrow && query === "cls") choose([middle, middle]);
  else if (arrow) choose(query.map((place, axis) => clamp(place + arrow[axis])));
  else return;
  event.preventDefault();
});

// --- Pictures of the reader's own ---

async function take(file) {
  try {
    const picture = await createImageBitmap(file);
    store.own.picture?.close();
    Object.assign(store.own, { picture, name: file.name, count: store.own.count + 1 });
    part("own-note").textContent = `${file.name}의 가운데를 정사각형으로 잘라 썼어요.`;
    set({ photo: "own" });
  } catch {
    part("own-note").textContent = `${file.name} 파일을 사진으로 읽지 못했어요. JPEG나 PNG로 해 보세요.`;
  }
}

part("camera").setAttribute("capture", "environment"); // a phone opens its camera
takesPictures([part("file"), part("camera")], [part("picture"), part("map")], take);
