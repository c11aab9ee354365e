/** f64 twin of noise.wgsl. */
import { hash } from "../random.ts";

export interface NoiseSizes {
  D: number;
  alpha: number;
  seed: number;
  draw: number;
}

/** x [T, D] with noise; `lengths` [T] are tokens of each row's document. */
export function noise(
  x: Float64Array,
  lengths: ArrayLike<number>,
  { D, alpha, seed, draw }: NoiseSizes,
): Float64Array {
  return x.map((value, i) => {
    const size = alpha / Math.sqrt(lengths[Math.floor(i / D)]! * D);
    return value + size * (2 * hash(seed, [draw, 0xffffffff, i]) / 2 ** 32 - 1);
  });
}
