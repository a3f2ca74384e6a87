// A state as the query of a page's address, for both 실험실; everything here is a function of its arguments.

/** One of these values, written as they are -> what reads it. */
export const oneOf =
  (...values) =>
  (text) =>
    values.find((value) => String(value) === text);

/** A token as it is read and written: "cls", or row and column counted from 1, as "3,4" for [2, 3]. largest: of both. */
export const token = (largest) => [
  (text) => {
    if (text === "cls") return text;
    const places = /^(\d+),(\d+)$/.exec(text)?.slice(1).map(Number);
    return places?.every((place) => place >= 1 && place <= largest) ? places.map((place) => place - 1) : undefined;
  },
  (value) => (value === "cls" ? value : value.map((place) => place + 1).join(",")),
];

/**
 * What reads and writes the states of a page -> { USUAL, the state without a query; read; write }.
 *
 * keys: name -> [usual value, text -> value or undefined, value -> text]; hidden: a value that no address tells.
 */
export function addresses(keys, hidden) {
  const USUAL = Object.fromEntries(Object.entries(keys).map(([key, [usual]]) => [key, usual]));

  /** The query of an address -> a whole state. What it does not name, or names wrongly, is as usual. */
  function read(search) {
    const given = new URLSearchParams(search);
    return Object.fromEntries(
      Object.entries(keys).map(([key, [usual, parse]]) => {
        const value = given.has(key) ? parse(given.get(key)) : undefined;
        return [key, value === undefined ? usual : value];
      }),
    );
  }

  /** A state -> the query of its address, "" where all is as usual. */
  function write(state) {
    const unusual = Object.entries(keys).filter(([key, [usual]]) => state[key] !== usual && state[key] !== hidden);
    const pairs = unusual.map(([key, [, , text = String]]) => `${key}=${encodeURIComponent(text(state[key]))}`);
    return pairs.length ? `?${pairs.join("&")}`.replaceAll("%2C", ",") : "";
  }

  return { USUAL, read, write };
}
