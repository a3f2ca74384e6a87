// Pixels on canvases, and the colours of the theme for them.
export const packed = (r, g, b) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // as ImageData lies in memory
export const css = (rgb) => `rgb(${rgb.join(" ")})`;

const painter = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** RGBA of a drawing at size x size: draw(context) works in a frame of 1 x 1. */
export function painted(size, draw) {
  painter.canvas.width = painter.canvas.height = size;
  painter.scale(size, size);
  draw(painter);
  return painter.getImageData(0, 0, size, size).data;
}

/** The square in the middle of a picture, in a frame of 1 x 1. */
export function drawMiddle(context, picture) {
  const { width, height } = picture;
  const side = Math.min(width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (width - side) / 2, (height - side) / 2, side, side, 0, 0, 1, 1);
}

export const theme = { palette: {}, ramps: {} }; // colours as [r, g, b]; 256 packed ones from weak to strong

/** Read the theme's colours from an element of the page. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const colour = (name) => {
    painter.fillStyle = style.getPropertyValue(name).trim(); // however it is written, it reads back as #rrggbb
    return [1, 3, 5].map((i) => Number.parseInt(painter.fillStyle.slice(i, i + 2), 16));
  };
  const names = ["paper", "wash", "accent", "ink", "partly-bar", "lab-heat"];
  const palette = Object.fromEntries(names.map((name) => [name, colour(`--${name}`)]));
  theme.palette = palette;
  theme.ramps = {
    heat: ramp(palette.wash, palette.accent),
    plus: ramp(palette.paper, palette.accent),
    minus: ramp(palette.paper, palette["partly-bar"]),
  };
}

function ramp(from, to) {
  const step = (i) => from.map((value, c) => Math.round(value + (i / 255) * (to[c] - value)));
  return Uint32Array.from({ length: 256 }, (_, i) => packed(...step(i)));
}

/** A canvas made as sharp as it is shown, and cleared -> [context in CSS pixels, width, height]. */
export function sized(canvas) {
  const shown = [canvas.clientWidth, canvas.clientHeight];
  const [width, height] = shown.map((side) => Math.round(side * devicePixelRatio));
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  context.setTransform(width / shown[0], 0, 0, height / shown[1], 0, 0);
  context.clearRect(0, 0, ...shown);
  context.imageSmoothingEnabled = false;
  return [context, ...shown];
}

/** Fill a small canvas with pixels: colour(i) -> pixel i, packed. */
export function pixels(canvas, width, height, colour) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const values = new Uint32Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = colour(i);
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(values.buffer), width, height), 0, 0);
  return canvas;
}

/** Fill a small canvas with an image of size x size: colours in [0, 1], channel by channel. */
export function asPixels(canvas, image, size) {
  const area = size * size;
  const byte = (i, c) => 255 * image[c * area + i] + 0.5;
  return pixels(canvas, size, size, (i) => packed(byte(i, 0), byte(i, 1), byte(i, 2)));
}
