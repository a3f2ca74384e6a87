// What this device remembers of a reader: threads that were begun and read, guesses, claims that were judged. It never leaves it.

const NAME = "mundap.reading";
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
