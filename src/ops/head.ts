/**
 * The output head over chunks of supervised rows: scores of a chunk, and the way back.
 *
 * @module
 */
import fillText from "../../kernels/fill.wgsl" with { type: "text" };
import gatherText from "../../kernels/gather_rows.wgsl" with { type: "text" };
import scatterText from "../../kernels/scatter_rows.wgsl" with { type: "text" };
import {
  type Bound,
  type Graph,
  type Launch,
  type OutputSpec,
  partsOf,
  type Rows,
  rowsOf,
  storedRows,
  type Target,
  type Value,
} from "../graph/graph.ts";
import { perFour, perSixteen, sizeOf } from "./launch.ts";
import { backwardLaunch, forwardLaunch, type LowRank, type SummedRows } from "./linear.ts";
import { productLaunch } from "./matmul.ts";
import { softcapLaunch } from "./softcap.ts";
import { splitsOf } from "./tile.ts";

/** How scores come from the table of a head. */
export interface HeadOptions {
  /** Logits z become cap * tanh(z / cap); absent where they stay as they are. */
  readonly cap?: number | undefined;
  /** The low-rank update of the table; b has as many rows as the table stores. */
  readonly adapter?: LowRank | undefined;
}

/** The most rows of a chunk, and what supervisions are padded to; a chunk may be a part of it. */
export const CHUNK = 128;

/** The fewest: products have blocks of four rows. */
const SMALLEST_CHUNK = 4;

/** Bindings begin at multiples of so many of the numbers that there are one of a supervised row. */
const ALIGNED_ROWS = 64;

/** Longer rows would take the loss kernels of software Vulkan more rounds than an invocation has. */
const LONGEST_ROW = 500_000;

/** Out of buffers, software Vulkan is faster over parts of the head that stay in the caches. */
const PART_ROWS = 4096;

/**
 * Sums over more columns, four a round, would take software Vulkan more rounds than an invocation
 * has, 65,535; an adapter's rank takes some too. Whole units of rows that begin a binding.
 */
const MOST_SUMMED = 4_060 * ALIGNED_ROWS;

/** Which rows are supervised, by what, and with which weight; padded with 0xffffffff, 0 and 0. */
export interface Supervision {
  readonly rows: Value; // [S], u32
  readonly label: Value; // [S], u32
  readonly weight: Value; // [S], f32: 1 / supervised tokens of the update
}

/** How many rows a supervision of `T` tokens is padded to. */
export const supervisedCapacity = (T: number): number => Math.ceil(T / CHUNK) * CHUNK;

/**
 * Rows of a chunk: logits take chunk x vocabulary numbers at a time, as many as can be bound at once.
 * A power of two.
 *
 * @throws {RangeError} for a vocabulary that is too large for the device.
 */
export function chunkRows({ kernelSet, maxBinding }: Graph, w: Value): number {
  const stored = storedRows(w);
  let rows = CHUNK;
  while (rows > SMALLEST_CHUNK && 4 * rows * stored > maxBinding) rows /= 2;
  const most = Math.min(
    Math.floor(maxBinding / (4 * SMALLEST_CHUNK)),
    kernelSet === "register" ? LONGEST_ROW : Infinity,
  );
  if (stored <= most) return rows;
  throw new RangeError(`Found a head of ${stored} rows, wanted at most ${most} on this device`);
}

/** How many chunks of `logits` hold the rows. */
export const chunksOf = ({ rows }: { rows: Value }, logits: Value): number =>
  rows.shape[0]! / logits.shape[0]!;

/** @throws {RangeError} where a supervision is not padded to whole chunks. */
export function requireChunks({ rows }: Supervision): number {
  const S = rows.shape[0]!;
  if (S % CHUNK === 0) return S;
  throw new RangeError(`Found ${S} rows, wanted a multiple of ${CHUNK}`);
}

/** The parts in which the table of a head is bound. */
export function headParts(w: Value, { kernelSet, matrixReads, maxWords }: Target): Rows[] {
  const inParts = kernelSet === "register" && matrixReads === "buffer";
  return partsOf(w, maxWords, inParts ? PART_ROWS : Infinity);
}

/** The same, cut into what one launch can sum over. */
function summedParts(w: Value, target: Target): SummedRows[] {
  const parts: SummedRows[] = [];
  for (const bound of headParts(w, target)) {
    const step = target.kernelSet === "register" ? MOST_SUMMED : bound.rows;
    for (let from = 0; from < bound.rows; from += step) {
      const rows = Math.min(step, bound.rows - from);
      parts.push({ from: bound.from + from, rows, bound });
    }
  }
  return parts;
}

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
  readonly hidden: Value; // [chunk, D], written
  readonly logits: Value; // [chunk, stored rows of w], written
  readonly cap: number | undefined;
  /** Number of the chunk. */
  readonly gate: number;
  readonly update?: ChunkUpdate | undefined;
}

/** The low-rank update of a head at work on a chunk. */
export interface ChunkUpdate extends LowRank {
  readonly u: Value; // [chunk, rank] = scale hidden a^T, written
}

/** What an op that scores chunks and takes them back makes for its update. */
export function updateOuts(
  adapter: LowRank | undefined,
  chunk: number,
): Record<string, OutputSpec> {
  if (!adapter) return {};
  const [a, b] = [[...adapter.a.shape], [...adapter.b.shape]];
  const u = [chunk, a[0]!];
  const shapes = { u, ...(adapter.a.needs ? { v: u, da: a, db: b } : {}) };
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { shape, differentiable: false }]),
  );
}

/** The update of a call that has one. */
export function updateOf(
  { a, b }: { a: Value | undefined; b: Value | undefined },
  u: Value | undefined,
  scale: number,
): ChunkUpdate | undefined {
  return a && b && u && { a, b, u, scale };
}

/** logits = x[rows of the chunk] (w + scale b a)^T, capped where there is a cap. */
export function scoreChunk(target: Target, chunk: HeadChunk): Launch[] {
  const { x, w, rows, hidden, logits, cap, update } = chunk;
  return [
    {
      kernel: { name: "gather_rows", text: gatherText },
      constants: sizesOf(chunk),
      bind: [hidden, x, chunkOf(rows, chunk)],
      matrices: 1,
      groups: perFour(sizeOf(hidden)),
    },
    ...(update ? [downLaunch(target, hidden, update)] : []),
    ...headParts(w, target).map((part) =>
      forwardLaunch(target, { x: hidden, w, y: logits, part, u: update?.u, b: update?.b })
    ),
    ...(cap ? [softcapLaunch(logits, cap)] : []),
  ];
}

/** u = scale hidden a^T */
export const downLaunch = (target: Target, hidden: Value, { a, u, scale }: ChunkUpdate): Launch =>
  productLaunch(target, "nt", { a: hidden, b: a, c: u, scale });

/** Where the gradients of a head's update go. */
export interface UpdateGradients {
  readonly v: Value; // [chunk, rank] = scale dlogits b, written
  readonly da: Value; // [rank, D]
  readonly db: Value; // [stored rows of w, rank]
}

/** da (+)= v^T hidden and db (+)= dlogits^T u, where logits have become dlogits. */
export function updateGradients(
  target: Target,
  { w, hidden, logits, update, gate }: HeadChunk,
  { v, da, db }: UpdateGradients,
): Launch[] {
  const { b, u, scale } = update!;
  const add = gate > 0;
  return [
    ...summedParts(w, target).map((part, i) =>
      productLaunch(target, "nn", { a: logits, b, c: v, scale, part, add: i > 0 })
    ),
    productLaunch(target, "tn", { a: v, b: hidden, c: da, add }),
    productLaunch(target, "tn", { a: logits, b: u, c: db, add }),
  ];
}

/** The gradient of a chunk of `rows` hidden rows, in the parts that workgroups sum apart. */
export function chunkGradient({ kernelSet }: Graph, w: Value, rows: number): OutputSpec {
  const columns = w.shape[1]!;
  const parts = splitsOf(kernelSet, { m: rows, n: columns });
  return { shape: [parts * rows, columns], differentiable: false };
}

/** dx[rows of the chunk] = dlogits w + v a, where logits have become dlogits. */
export function unscoreChunk(
  target: Target,
  chunk: Omit<HeadChunk, "hidden" | "cap">,
  { dx, dhidden, v }: { dx: Value; dhidden: Value; v: Value | undefined },
): Launch[] {
  const { w, rows, logits, update } = chunk;
  const splits = dhidden.shape[0]! / logits.shape[0]!;
  return [
    ...summedParts(w, target).map((part, i) => {
      const more = i === 0 ? { v, a: update?.a } : {};
      const place = { dx: dhidden, splits, part, add: i > 0 };
      return backwardLaunch(target, { dy: logits, w, ...place, ...more });
    }),
    {
      kernel: { name: "scatter_rows", text: scatterText },
      constants: { ...sizesOf(chunk), PARTS: splits },
      bind: [dx, dhidden, chunkOf(rows, chunk)],
      matrices: 1,
      groups: perFour(sizeOf(dhidden) / splits),
    },
  ];
}

function sizesOf(chunk: Pick<HeadChunk, "x" | "logits" | "gate">) {
  const [T, D] = chunk.x.shape as [number, number];
  return { T, D, N: chunk.logits.shape[0]!, FIRST: firstOf(chunk) };
}

/** Which chunk: its logits and its number. */
type Place = Pick<HeadChunk, "logits" | "gate">;

/** What holds a chunk's part of what there is for each supervised row: from `firstOf()` on. */
export function chunkOf(value: Value, { logits, gate }: Place): Bound {
  const rows = logits.shape[0]!;
  const from = gate * rows;
  return rowsOf(value, { from: from - from % ALIGNED_ROWS, rows: Math.max(rows, ALIGNED_ROWS) });
}

/** Where a chunk begins in what is bound of a value, as a constant of kernels. */
export const firstOf = ({ logits, gate }: Place): number => gate * logits.shape[0]! % ALIGNED_ROWS;
