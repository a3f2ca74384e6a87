// From a state to the photograph and the pixels that the model takes.
import { drawMiddle, painted } from "../lab/canvas.js";
import { lab, store } from "./store.js";

const FOLDER = new URL("../../lab/photos/", import.meta.url);

/** Where a photograph of ours lies. */
export const addressOf = (name) => new URL(`${name}.jpg`, FOLDER);

const opened = new Map(); // name of a photograph of ours -> a promise of its bitmap

async function fetched(name) {
  const response = await fetch(addressOf(name));
  if (!response.ok) throw new Error(`${name}.jpg: ${response.status}`);
  return createImageBitmap(await response.blob());
}

/** The photograph of a state -> a promise of an ImageBitmap. */
export function photoOf({ photo }) {
  if (photo === "own") return Promise.resolve(store.own.picture);
  if (!opened.has(photo)) {
    const coming = fetched(photo);
    opened.set(photo, coming);
    coming.catch(() => opened.delete(photo)); // it may come the next time
  }
  return opened.get(photo);
}

/** What is seen on it, in Korean. */
export function altOf({ photo }) {
  if (photo === "own") return `내 사진 ${store.own.name}`;
  return lab.querySelector(`[name="photo"][value="${photo}"]`).labels[0].title;
}

/** The square in the middle of a photograph as the model takes it: colours in [0, 1], channel by channel. */
export function pixelsOf(photo, size) {
  const rgba = painted(size, (context) => drawMiddle(context, photo));
  const area = size * size;
  return Float32Array.from({ length: 3 * area }, (_, i) => rgba[4 * (i % area) + Math.floor(i / area)] / 255);
}
