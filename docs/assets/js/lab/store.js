// What the parts of the 실험실 share: its elements, and all that changes while it is used.
import { read } from "./state.js";

/** The element of a name: part("scene") is #lab-scene. */
export const part = (name) => document.getElementById(`lab-${name}`);
export const isEmbedded = window.frameElement !== null; // inside a thread: a frame of another site is none
export const lab = document.querySelector(".lab");

export const store = {
  state: read(location.search),
  model: null, // once it is loaded
  own: { picture: null, lines: [], edits: 0 }, // of the reader: an ImageBitmap; [[x, y], …] each; how often they changed
  pen: { x: 0.5, y: 0.5, isDown: false, isShown: false }, // of the keyboard
  dragged: null, // {dx, dy}: where in the letter it was taken; or {line} that is being drawn
  hovered: null, // the patch under the mouse; the chosen query counts while there is none
  frame: null, // what the last run was of, and gave: see frames.js
};
