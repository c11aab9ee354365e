/** f64 twin of dropout.wgsl. */
import { hash } from "../random.ts";

export interface DropoutSizes {
  rate: number;
  seed: number;
  draw: number;
  layer: number;
}

/** What number i of x is multiplied by: 0 or 1 / (1 - rate). */
export function keptOf(i: number, { rate, seed, draw, layer }: DropoutSizes): number {
  const isKept = hash(seed, [draw, layer, i]) >= Math.floor(rate * 2 ** 32);
  return isKept ? 1 / (1 - rate) : 0;
}

export function dropout(x: Float64Array, sizes: DropoutSizes): Float64Array {
  return x.map((value, i) => value * keptOf(i, sizes));
}
