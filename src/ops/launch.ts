/**
 * Grids of the simple kernels.
 *
 * @module
 */
import reduceText from "../../kernels/shared/reduce.wgsl" with { type: "text" };
import sumRowsText from "../../kernels/sum_rows.wgsl" with { type: "text" };
import type { Kernel, Text } from "../gpu/kernel.ts";
import { grid } from "../gpu/program.ts";
import type { Launch, Target, Value } from "../graph/graph.ts";

/** The grid of a kernel with one invocation a row, 8 a workgroup. */
export const perRow = (rows: number): [number, number] => grid(Math.ceil(rows / 8));

/** The grid of an elementwise kernel with four numbers an invocation, 64 a workgroup. */
export const perFour = (numbers: number): [number, number] => grid(Math.ceil(numbers / 256));

/** The grid of an elementwise kernel with 16 numbers an invocation, 64 a workgroup. */
export const perSixteen = (numbers: number): [number, number] => grid(Math.ceil(numbers / 1024));

/** The sum over the lanes of a workgroup, for kernels in workgroup memory. */
export const REDUCE: Text = { name: "shared/reduce", text: reduceText };

/** Lanes that share out a row in fours: a power of two, 32 for small rows and 256 for long ones. */
export const lanesFor = (columns: number): number =>
  2 ** Math.min(8, Math.max(5, Math.floor(Math.log2(columns / 4))));

/** One invocation a row of D numbers, or one workgroup with lanes that share it out. */
export function byRow(
  { kernelSet }: Target,
  kernels: Readonly<Record<Target["kernelSet"], Kernel>>,
  { T, D }: { T: number; D: number },
  constants: Launch["constants"],
): Omit<Launch, "bind"> {
  const kernel = kernels[kernelSet];
  const all = { T, D, ...constants };
  return kernelSet === "register"
    ? { kernel, constants: all, groups: perRow(T) }
    : { kernel, constants: { ...all, LANES: lanesFor(D) }, groups: grid(T) };
}

/** Each row of y [PARTS, D] becomes the sum of its share of the rows of x [rows, D], in their order. */
export function sumRows(x: Value, y: Value, PARTS = 1): Launch {
  const D = sizeOf(y) / PARTS;
  return {
    kernel: { name: "sum_rows", text: sumRowsText },
    constants: { ROWS: sizeOf(x) / D, D, PARTS },
    bind: [x, y],
    groups: perFour(PARTS * D),
  };
}

/** How many numbers a value holds. */
export const sizeOf = (value: Value): number => value.shape.reduce((n, size) => n * size, 1);

/** @throws {RangeError} unless every size is a multiple of `of`. */
export function requireMultiple(of: number, sizes: Readonly<Record<string, number>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!(size > 0 && size % of === 0)) {
      throw new RangeError(`Found ${name} = ${size}, wanted a multiple of ${of}`);
    }
  }
}
