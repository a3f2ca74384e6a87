// Input methods: keys that belong to a syllable that is being made.
const SETTLE = 60; // ms: the key that ended a syllable may be told only after its end, as Safari does

/**
 * Whether a keydown belongs to the input method. event: isComposing, keyCode, timeStamp of it; ended: the timeStamp of
 * the last compositionend, in ms.
 */
export function belongsToSyllable({ isComposing, keyCode, timeStamp }, ended = Number.NEGATIVE_INFINITY) {
  return isComposing || keyCode === 229 || timeStamp - ended < SETTLE;
}
