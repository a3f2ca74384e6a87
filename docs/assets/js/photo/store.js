// What the parts of the page share: its elements, and all that changes while it is used.
import { read } from "./state.js";

/** The element of a name: part("map") is #photo-map. */
export const part = (name) => document.getElementById(`photo-${name}`);
export const lab = document.querySelector(".lab");

export const store = {
  state: read(location.search),
  model: null, // once it is loaded
  own: { picture: null, name: "", count: 0 }, // of the reader: an ImageBitmap, its file's name; how many there have been
  hovered: null, // the patch under the mouse; the chosen query counts while there is none
  frame: null, // what the last run was of, and gave: see frames.js
};
