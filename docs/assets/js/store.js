// What this device remembers of a reader: threads that were begun and read, guesses, claims that were judged. It never leaves it.

const NAME = "mundap.reading";
const KEYS = "mundap.keys"; // beside it, so that forgetting what was read leaves it
const EMPTY = () => ({ begun: {}, read: {}, guesses: {}, judged: {} });

/** What is remembered; nothing on a device that keeps nothing. */
export function remembered() {
  try {
    return { ...EMPTY(), ...JSON.parse(localStorage.getItem(NAME)) };
  } catch {
    return EMPTY();
  }
}

/** Change what is remembered. change: what it does to the state. */
export function remember(change) {
  const state = remembered();
  change(state);
  try {
    localStorage.setItem(NAME, JSON.stringify(state));
  } catch {} // a device that keeps nothing
}

/** Forget all of it. */
export function forget() {
  try {
    localStorage.removeItem(NAME);
  } catch {}
}

/** Whether single letters are shortcuts: they are, until a reader who speaks or trembles turns them off. */
export function lettersOn() {
  try {
    return localStorage.getItem(KEYS) !== "off";
  } catch {
    return true;
  }
}

/** Turn them on or off. */
export function turnLetters(on) {
  try {
    localStorage.setItem(KEYS, on ? "on" : "off");
  } catch {}
}
