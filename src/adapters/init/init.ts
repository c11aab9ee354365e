/**
 * What the initial values of an adapter are. Each kind has a file of its own beside this one, and a
 * line in {@link "./mod.ts"}.
 *
 * @module
 */
import type { AdaptedModule } from "../methods/method.ts";
import { type KeptRows, keptRows } from "../../models/kept_rows.ts";
import { Matrix } from "../../deps/matrix.ts";
import type { Tensors } from "../../models/stored.ts";

/** Both factors of a module, in PEFT's shapes. */
export interface Factors {
  readonly a: Float32Array; // [rank, in]
  readonly b: Float32Array; // [out, rank]
}

/** Factors by module that were taken from what the modules read of some text. */
export type Measured = ReadonlyMap<string, Factors>;

/** One kind of initial values. */
export interface Init {
  /** Whether scale B A is a part of the weight, so that the base is to lose it. */
  readonly isOfBase: boolean;
  /** The values for one module. */
  factors(module: AdaptedModule, seed: number, base: Tensors, measured?: Measured): Factors;
}

/** Sums over rows x [in] that a module reads of some text. */
export interface InputMoments {
  /** Of x^T x, row-major [in, in]. */
  readonly products: Float32Array;
  /** Of x, [in]. */
  readonly sums: Float32Array;
  /** How many there are: rows, or documents where each is brought to one size. */
  readonly samples: number;
}

/** Values that were measured before. */
export const fromMeasured = (isOfBase: boolean): Init => ({
  isOfBase,
  factors({ name }, _seed, _base, measured) {
    const found = measured?.get(name);
    if (!found) throw new RangeError(`Found nothing measured of ${name}, wanted its factors`);
    return found;
  },
});

/** A module's weight as the device has it, [out, in]. */
export const weightOf = (base: Tensors, module: string): Matrix =>
  rowsOf(base, module, ({ rows }) => rows);

/** What rounding to that took from it. */
export const roundingOf = (base: Tensors, module: string): Matrix =>
  rowsOf(base, module, ({ rows, stored }) => stored.map((x, i) => x - rows[i]!));

function rowsOf(base: Tensors, module: string, of: (piece: KeptRows) => Float32Array): Matrix {
  const rows: Float64Array[] = [];
  for (const piece of keptRows(base, `${module}.weight`)) {
    const numbers = of(piece);
    for (let from = 0; from < numbers.length; from += piece.columns) {
      rows.push(Float64Array.from(numbers.subarray(from, from + piece.columns)));
    }
  }
  return new Matrix(rows as unknown as number[][]);
}

/** Factors out of B [out, rank] and A [rank, in], each component times a number. */
export function factorsOf(b: Matrix, a: Matrix, by: (component: number) => number): Factors {
  const [out, rank, inner] = [b.rows, b.columns, a.columns];
  const made = { a: new Float32Array(rank * inner), b: new Float32Array(out * rank) };
  for (let r = 0; r < rank; r++) {
    const factor = by(r);
    for (let i = 0; i < inner; i++) made.a[r * inner + i] = factor * a.get(r, i);
    for (let o = 0; o < out; o++) made.b[o * rank + r] = factor * b.get(o, r);
  }
  return made;
}
