// How both 실험실 name a token and a share; everything here is a function of its arguments.

/** A share as a percentage; one below a tenth keeps a decimal. */
export const percent = (share) => (share < 0.0995 ? `${(100 * share).toFixed(1)}%` : `${Math.round(100 * share)}%`);

/** The name of a token, 0 the class token. */
export function nameOf(token, grid) {
  return token ? `${Math.floor((token - 1) / grid) + 1}행 ${((token - 1) % grid) + 1}열` : "클래스 토큰";
}
