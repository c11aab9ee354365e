/**
 * The output head over chunks of supervised rows: scores of a chunk, and the way back.
 *
 * @module
 */
import fillText from "../../kernels/fill.wgsl" with { type: "text" };
import gatherText from "../../kernels/gather_rows.wgsl" with { type: "text" };
import scatterText from "../../kernels/scatter_rows.wgsl" with { type: "text" };
import type { Launch, Rows, Target, Value } from "../graph/graph.ts";
import { partsOf, perRow, perSixteen, sizeOf } from "./launch.ts";
import { backwardLaunch, forwardLaunch } from "./linear.ts";
import { softcapLaunch } from "./softcap.ts";

/** Rows of a chunk: logits take chunk x vocabulary numbers at a time. */
export const CHUNK = 128;

/** On software Vulkan a part of this many rows of the head stays in the caches. */
const PART_ROWS = 4096;

/** Which rows are supervised, by what, and with which weight; padded with 0xffffffff, 0 and 0. */
export interface Supervision {
  readonly rows: Value; // [S], u32
  readonly label: Value; // [S], u32
  readonly weight: Value; // [S], f32: 1 / supervised tokens of the update
}

/** How many rows a supervision of `T` tokens is padded to. */
export const supervisedCapacity = (T: number): number => Math.ceil(T / CHUNK) * CHUNK;

/** How many chunks hold `S` rows. */
export const chunksOf = ({ rows }: { rows: Value }): number => rows.shape[0]! / CHUNK;

/** @throws {RangeError} where a supervision is not padded to whole chunks. */
export function requireChunks({ rows }: Supervision): number {
  const S = rows.shape[0]!;
  if (S % CHUNK === 0) return S;
  throw new RangeError(`Expected a multiple of ${CHUNK} rows but found ${S}`);
}

/** The parts in which the table of a head is bound. */
export const headParts = (w: Value, { kernelSet, maxBinding }: Target): Rows[] =>
  partsOf(w, maxBinding, kernelSet === "register" ? PART_ROWS : Infinity);

/** y = 0 */
export const fill = (y: Value): Launch => ({
  kernel: { name: "fill", text: fillText },
  constants: { N: sizeOf(y) },
  bind: [y],
  groups: perSixteen(sizeOf(y)),
});

/** What scores a chunk, and where to. */
export interface HeadChunk {
  readonly x: Value; // [T, D]
  readonly w: Value; // [V, D], blocks
  readonly rows: Value; // [S]
  readonly hidden: Value; // [CHUNK, D], written
  readonly logits: Value; // [CHUNK, stored rows of w], written
  readonly cap: number | undefined;
  /** Number of the chunk. */
  readonly gate: number;
}

/** logits = x[rows of the chunk] w^T, capped where there is a cap. */
export function scoreChunk(target: Target, chunk: HeadChunk): Launch[] {
  const { x, w, rows, hidden, logits, cap } = chunk;
  return [
    {
      kernel: { name: "gather_rows", text: gatherText },
      constants: placeOf(chunk),
      bind: [x, rows, hidden],
      groups: perRow(CHUNK),
    },
    ...headParts(w, target).map((part) => forwardLaunch(target, { x: hidden, w, y: logits, part })),
    ...(cap ? [softcapLaunch(logits, cap)] : []),
  ];
}

/** dx[rows of the chunk] = dlogits w, where logits have become dlogits. */
export function unscoreChunk(
  target: Target,
  chunk: Omit<HeadChunk, "hidden" | "cap">,
  { dx, dhidden }: { dx: Value; dhidden: Value },
): Launch[] {
  const { w, rows, logits } = chunk;
  return [
    ...headParts(w, target).map((part, i) =>
      backwardLaunch(target, { dy: logits, w, dx: dhidden, part, add: i > 0 })
    ),
    {
      kernel: { name: "scatter_rows", text: scatterText },
      constants: placeOf(chunk),
      bind: [dhidden, rows, dx],
      groups: perRow(CHUNK),
    },
  ];
}

function placeOf({ x, gate }: Pick<HeadChunk, "x" | "gate">) {
  const [T, D] = x.shape as [number, number];
  return { T, D, N: CHUNK, OFFSET: gate * CHUNK };
}
