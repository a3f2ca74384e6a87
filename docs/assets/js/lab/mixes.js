// Ways to give patches positions without a grid, as snippets/pe_interpolation.py has them: how the patch at a place, one of
// `count`, gets its position from the learned ones -> [[place of a learned one, its weight], …].

export const MIXES = {
  line(place, count, learned) {
    const from = Math.max(0, ((place + 0.5) * learned) / count - 0.5);
    const low = Math.floor(from);
    const part = from - low;
    return [
      [low, 1 - part],
      [Math.min(low + 1, learned - 1), part],
    ];
  },
  repeat: (place, _, learned) => [[place % learned, 1]],
  same: (_, __, learned) => Array.from({ length: learned }, (_, at) => [at, 1 / learned]),
  none: () => [],
};
