import { adamw, type AdamWStep } from "./adamw.ts";

/** Moments in eight bits: codes, and a scale for each 256 of them. */
export interface Moments8bit {
  m: Uint8Array;
  v: Uint8Array;
  scales: { m: Float64Array; v: Float64Array };
}

/** Numbers that share a scale. */
const BLOCK = 256;

/** bitsandbytes' `create_dynamic_map`: what each code stands for, ascending. */
export function dynamicMap(signed: boolean): Float64Array {
  const numbers = [0, 1];
  for (let range = 0; range < 7; range++) {
    const parts = 2 ** (signed ? range : range + 1);
    for (let part = 0; part < parts; part++) {
      const middle = 10 ** (range - 6) * (0.1 + 0.9 * (part + 0.5) / parts);
      numbers.push(...signed ? [middle, -middle] : [middle]);
    }
  }
  return Float64Array.from(numbers).sort();
}

const MAPS = { m: dynamicMap(true), v: dynamicMap(false) };

/**
 * f64 twin of adamw_8bit.wgsl: AdamW on what the codes stand for, then the nearest codes of the new
 * moments; `norm` is the sum of squares of the gradients of all parameters.
 */
export function adamw8bit(
  p: Float64Array,
  grad: Float64Array,
  kept: Moments8bit,
  step: AdamWStep,
  norm: number,
): { p: Float64Array; kept: Moments8bit } {
  const { p: p1, m, v } = adamw(p, grad, moment(kept, "m"), moment(kept, "v"), step, norm);
  const [first, second] = [rounded(m, MAPS.m), rounded(v, MAPS.v)];
  const scales = { m: first.scales, v: second.scales };
  return { p: p1, kept: { m: first.codes, v: second.codes, scales } };
}

/** What codes stand for. */
export const moment = (kept: Moments8bit, name: "m" | "v"): Float64Array =>
  Float64Array.from(
    kept[name],
    (code, i) => MAPS[name][code]! * kept.scales[name][Math.floor(i / BLOCK)]!,
  );

function rounded(x: Float64Array, map: Float64Array) {
  const codes = new Uint8Array(x.length);
  const scales = new Float64Array(Math.ceil(x.length / BLOCK));
  for (const block of scales.keys()) {
    const part = x.subarray(block * BLOCK, (block + 1) * BLOCK);
    scales[block] = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    part.forEach((x, i) => {
      codes[block * BLOCK + i] = nearest(scales[block]! > 0 ? x / scales[block]! : 0, map);
    });
  }
  return { codes, scales };
}

/** The number of the nearest of a map, the lower of two. */
function nearest(x: number, map: Float64Array): number {
  let code = 0;
  for (let half = map.length / 2; half >= 1; half /= 2) {
    const below = code + half - 1;
    if (x > (map[below]! + map[below + 1]!) / 2) code += half;
  }
  return code;
}
