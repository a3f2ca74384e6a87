// From a state to the pixels that the model sees; everything here is a function of its arguments.
// An image: colours in [0, 1], channel by channel, a Float32Array of 3 * size * size.
import { PATCH } from "./model.js";
import { CLASSES, inFrame, sample } from "./scenes.js";

export const PEN = 0.075; // width of the pen as a share of the frame, as of a letter's strokes

/** The scene of a state: what its seed gives, with what the reader has changed of it. */
export function sceneOf(state) {
  const { letter, bars, contrasts, ground } = sample(state.scene);
  if (state.letter !== null) letter.label = CLASSES.indexOf(state.letter);
  if (state.r !== null) letter.radius = state.r;
  if (state.x !== null) letter.x = state.x;
  if (state.y !== null) letter.y = state.y;
  const isScene = state.source === "scene"; // else the reader draws, or shows a picture of their own
  return {
    letter: isScene ? inFrame(letter) : null,
    bars: isScene && state.bars ? bars : null,
    contrasts,
    ground: groundOf(state.bg, ground),
  };
}

/** A background: null for the scene's own, a seed for another scene's, "plain" for the scene's own without its waves. */
export function groundOf(bg, own) {
  if (bg === null) return own;
  return bg === "plain" ? { ...own, waves: [] } : sample(bg).ground;
}

/** Lay colour(pixel, channel) over an image, as thick as the alpha of its RGBA pixels says. */
export function over(image, pixels, colour) {
  const area = image.length / 3;
  for (let i = 0; i < area; i++) {
    const alpha = pixels[4 * i + 3] / 255;
    if (alpha) for (let c = 0; c < 3; c++) image[c * area + i] += alpha * (colour(i, c) - image[c * area + i]);
  }
}

const GREY = 0.35; // how much of its colour a picture loses under a map

/** The image with less of its colour. */
export function greyed(image, size) {
  const area = size * size;
  return image.map((value, i) => {
    const pixel = i % area;
    const grey = (image[pixel] + image[pixel + area] + image[pixel + 2 * area]) / 3;
    return value + GREY * (grey - value);
  });
}

/** The image with everything moved by whole pixels, what leaves on one side coming in on the other. */
export function rolled(image, size, dx, dy) {
  const result = new Float32Array(image.length);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const target = ((y + dy + size) % size) * size + ((x + dx + size) % size);
        result[c * size * size + target] = image[c * size * size + y * size + x];
      }
    }
  }
  return result;
}

/** The image with place i showing patch order[i]. */
export function rearranged(image, size, order) {
  const result = new Float32Array(image.length);
  const grid = size / PATCH;
  const corner = (place) => Math.floor(place / grid) * PATCH * size + (place % grid) * PATCH;
  order.forEach((from, to) => {
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < PATCH; y++) {
        const line = (c * size + y) * size;
        const source = line + corner(from);
        result.set(image.subarray(source, source + PATCH), line + corner(to));
      }
    }
  });
  return result;
}
