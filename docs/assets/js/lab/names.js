// How both 실험실 name a token and a share; everything here is a function of its arguments.

/** A share as a percentage; one below a tenth keeps a decimal. */
export const percent = (share) => (share < 0.0995 ? `${(100 * share).toFixed(1)}%` : `${Math.round(100 * share)}%`);

/** The name of a token, 0 the class token. */
export function nameOf(token, grid) {
  return token ? `${Math.floor((token - 1) / grid) + 1}행 ${((token - 1) % grid) + 1}열` : "클래스 토큰";
}

/** A query as the number of its token, 0 the class token. A place outside a smaller grid is its nearest one. */
export function tokenOf(query, grid) {
  if (query === "cls") return 0;
  const [row, column] = query.map((place) => Math.min(place, grid - 1));
  return 1 + row * grid + column;
}
