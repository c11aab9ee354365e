/**
 * A product that is small enough to be timed often, and checked against f64.
 *
 * @module
 */
import { type FormatName, FORMATS } from "../formats/mod.ts";
import { readFloats, upload } from "../gpu/buffer.ts";
import type { Device, Product } from "../gpu/device.ts";
import { compile, type Engine, openEngine } from "../graph/compile.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { LINEAR, LINEAR_BACKWARD } from "../ops/linear.ts";
import { matmul, type Transposition } from "../ops/matmul.ts";
import { random } from "../random.ts";
import { flopsOf } from "./products.ts";

/** Operations of a sample at most: some 10 ms, on software Vulkan and on GPUs. */
const MOST_FLOPS = { software: 2e8, gpu: 2e11 };
/** Columns of a sample at most: the sums stay as long as they are. */
const MOST_COLUMNS = 1024;
/** Rows of a sample are a multiple of this. */
const ROWS = 64;
/** The rank of the adapter in a frozen product. */
const RANK = 8;
/** Results that are compared with f64. */
const CHECKED = 64;
/** Distinct numbers that fill the operands: a prime, so that no rows are alike. */
const PERIOD = 65521;

/** The same sums, or one part of each, over fewer rows and columns: most of the grid is left out. */
export function sampleOf({ splits = 1, ...product }: Product, software: boolean): Product {
  const n = Math.min(product.n, MOST_COLUMNS);
  const unit = Math.max(ROWS, FORMATS[product.type as FormatName].group);
  const k = splits === 1 ? product.k : Math.ceil(product.k / splits / unit) * unit;
  const most = MOST_FLOPS[software ? "software" : "gpu"] / (2 * n * k);
  const m = Math.min(product.m, Math.max(1, Math.floor(most / ROWS)) * ROWS);
  return { ...product, m, n, k };
}

/** A sample on a device. */
export interface Opened extends Disposable {
  replay(): void;
  result(): Promise<Float32Array>;
}

/** Operands of a product, the same for every tile. */
export class Sample {
  readonly #left: Float32Array; // [m, k], or [k, m] of a^T b
  readonly #stored: Uint8Array; // [n, k], or [k, n], in the format
  readonly #right: Float32Array; // the same in f32, which may not round to the same again
  readonly #tails: { readonly u: Float32Array; readonly b: Float32Array } | null;

  constructor(readonly product: Product) {
    const { m, n, k, type, kernel } = product;
    const format = FORMATS[type as FormatName];
    const isFrozen = kernel.startsWith("linear");
    this.#left = numbers(m * k, 1);
    this.#stored = format.encode(numbers(n * k, 2), kernel === "linear" ? k : n);
    this.#right = format.decode(this.#stored);
    this.#tails = isFrozen ? { u: numbers(m * RANK, 3), b: numbers(n * RANK, 4) } : null;
  }

  get flops(): number {
    return flopsOf(this.product);
  }

  /** The product, recorded on a device with a tile. */
  async open(device: Device, tile: string): Promise<Opened> {
    const { tuned } = device;
    device.tuned = () => tile;
    try {
      return await this.#open(openEngine(device));
    } finally {
      device.tuned = tuned;
    }
  }

  async #open(engine: Engine): Promise<Opened> {
    const { device, store } = engine;
    const graph = new Graph(device.kernelSet);
    const { y, w } = this.#build(graph);
    graph.output("y", y);
    if (w) {
      const format = FORMATS[w.type as FormatName];
      const packed = format.pack(this.#stored, w.shape[1]!);
      upload(device, store.addWeight(w), packed);
    }
    const compiled = await compile(engine, graph);
    const data = { left: this.#left, ...(w ? {} : { right: this.#right }), ...this.#tails };
    for (const [name, values] of Object.entries(data)) compiled.write(name, values);
    return {
      replay: () => compiled.program.replay(),
      result: () => readFloats(device, compiled.output("y")),
      [Symbol.dispose]() {
        compiled.destroy();
        store.destroy();
      },
    };
  }

  #build(graph: Graph): { y: Value; w?: Value } {
    const { kernel, m, n, k, type } = this.product;
    const input = (name: string, shape: number[]) => graph.input(name, shape, "f32");
    if (kernel === "linear") {
      const w = graph.weight("right", [n, k], type as FormatName, "blocks");
      const [x, u, b] = [input("left", [m, k]), input("u", [m, RANK]), input("b", [n, RANK])];
      const ins = { x, w, a: undefined, b, u, residual: undefined };
      return { w, y: graph.call(LINEAR, ins, { y: { shape: [m, n] } }, { scale: 1 }).y };
    }
    if (kernel === "linear_backward") {
      const w = graph.weight("right", [k, n], type as FormatName, "blocks");
      const [dy, v, a] = [input("left", [m, k]), input("u", [m, RANK]), input("b", [RANK, n])];
      const ins = { dy, w, v, a, before: undefined };
      return { w, y: graph.call(LINEAR_BACKWARD, ins, { dx: { shape: [m, n] } }, {}).dx };
    }
    const kind = kernel.slice("matmul_".length) as Transposition;
    const left = input("left", kind === "tn" ? [k, m] : [m, k]);
    const right = input("right", kind === "nt" ? [n, k] : [k, n]);
    return { y: matmul(graph, kind, left, right) };
  }

  /** The largest error of some results, relative to the largest of them. */
  error(y: Float32Array): number {
    const { m, n } = this.product;
    let [largest, worst] = [0, 0];
    for (let i = 0; i < CHECKED; i++) {
      const row = Math.floor(m * random(5, i));
      const column = Math.floor(n * random(6, i));
      const expected = this.#expected(row, column);
      largest = Math.max(largest, Math.abs(expected));
      worst = Math.max(worst, Math.abs(y[row * n + column]! - expected));
    }
    return worst / largest;
  }

  #expected(row: number, column: number): number {
    const { kernel, m, n, k } = this.product;
    const [left, right] = [this.#left, this.#right];
    const isTall = kernel === "matmul_tn"; // the left operand is [k, m]
    const isWide = kernel !== "linear" && kernel !== "matmul_nt"; // the right one is [k, n]
    let sum = 0;
    for (let i = 0; i < k; i++) {
      sum += left[isTall ? i * m + row : row * k + i]! *
        right[isWide ? i * n + column : column * k + i]!;
    }
    const { u, b } = this.#tails ?? {};
    for (let r = 0; u && b && r < RANK; r++) {
      sum += u[row * RANK + r]! * b[isWide ? r * n + column : column * RANK + r]!;
    }
    return sum;
  }
}

/** Numbers in (-1, 1), which repeat after a while. */
function numbers(length: number, seed: number): Float32Array {
  const some = Float32Array.from(
    { length: Math.min(length, PERIOD) },
    (_, i) => 2 * random(seed, i) - 1,
  );
  const all = new Float32Array(length);
  for (let at = 0; at < length; at += PERIOD) all.set(some.subarray(0, length - at), at);
  return all;
}
