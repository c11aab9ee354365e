/**
 * The static graph: values, and the calls of ops that make them. Built once, differentiated into
 * more calls, planned, compiled and replayed.
 *
 * @module
 */
import type { Constants, Kernel } from "../gpu/kernel.ts";
import { type FormatName, FORMATS } from "../formats/mod.ts";
import { SLICE_ALIGNMENT } from "../gpu/buffer.ts";
import type { KernelSet, MatrixReads, Tuned } from "../gpu/device.ts";

/** How the numbers of a value are stored: indices, or real numbers in a weight format. */
export type NumberType = FormatName | "u32";

/**
 * Where a value lives: `input` is written by the host before a replay; `weight` is frozen; `param`
 * is trained, or held beside what is; `gradient` is the slot beside a param; `state` outlives a replay; `temp` does not.
 */
export type Kind = "input" | "weight" | "param" | "gradient" | "state" | "temp";

/** Rows one after another, or 4x4 blocks in row-major order of blocks (weights of products). */
export type Layout = "rows" | "blocks";

/** A tensor of the graph. */
export interface Value {
  readonly id: number;
  /** For people; unique among weights, params, inputs and states. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The shape without what only fills it up; the same where absent. */
  readonly used?: readonly number[];
  readonly type: NumberType;
  readonly layout: Layout;
  kind: Kind;
  /** True where a trained param stands above it, so that a gradient must flow through it. */
  readonly needs: boolean;
}

/** Inputs and outputs of a call by name; an absent input is undefined. */
export type Named = Readonly<Record<string, Value | undefined>>;

/** A value, or rows of it, as a kernel sees it. Offset and size in bytes, 256-aligned. */
export type Bound = Value | Part;

/** Rows of a value. */
export interface Part {
  readonly value: Value;
  readonly offset: number;
  readonly size: number;
}

/** One kernel of a call, at work on values. */
export interface Launch {
  readonly kernel: Kernel;
  readonly constants: Constants;
  readonly bind: readonly Bound[];
  /** How many bindings, from 1 on, `#import matrices` reads. */
  readonly matrices?: number;
  /** Whether `#import before` reads the first binding, which is written over. */
  readonly before?: boolean;
  /** What imported pieces bind, in group 1; undefined for what none of them does. */
  readonly weight?: readonly (Bound | undefined)[];
  readonly groups: readonly [number, number?];
  /** Left out of replays that open fewer gates (rows of a chunk that is not filled this time). */
  readonly gate?: number;
}

/** What ops may know of the device when they choose kernels. */
export interface Target {
  readonly kernelSet: KernelSet;
  readonly matrixReads: MatrixReads;
  /** Whether lanes hand round what one of them has loaded. */
  readonly sharesLoads: boolean;
  readonly tuned: Tuned;
  /** The largest range that one binding may cover, in bytes. */
  readonly maxBinding: number;
  /** The same of a matrix in blocks. */
  readonly maxWords: number;
}

/** An operation: its kernels, and how gradients pass through it. */
// deno-lint-ignore no-explicit-any
export interface Op<I extends Named = any, O extends Named = any, A = any> {
  readonly name: string;
  /** Outputs that take over an input's buffer, by name: the input is dead afterwards. */
  overwrites?(call: Call<I, O, A>): Readonly<Record<string, string | undefined>>;
  launches(call: Call<I, O, A>, target: Target): Launch[];
  backward?(graph: Graph, call: Call<I, O, A>, gradients: Gradients): void;
}

/** An op applied to values. */
// deno-lint-ignore no-explicit-any
export interface Call<I extends Named = any, O extends Named = any, A = any> {
  readonly op: Op<I, O, A>;
  readonly ins: I;
  readonly outs: O;
  readonly attrs: A;
  /** Number of the block of layers it belongs to; blocks may be recomputed in backward. */
  readonly block: number | null;
  readonly backward: boolean;
}

/** What an op's backward reads and writes; {@link "./backward.ts"} supplies it. */
export interface Gradients {
  /** The gradient of an output; undefined where nothing below depends on it. */
  of(output: Value): Value | undefined;
  /** What other users of an input have contributed so far; an op that can, adds its part to it. */
  before(input: Value): Value | undefined;
  /** Sets the whole gradient of an input, what was there before included. */
  set(input: Value, gradient: Value): void;
  /** Adds a contribution to the gradient of an input. */
  add(input: Value, gradient: Value): void;
}

/** How an op asks for an output. */
export interface OutputSpec {
  readonly shape: readonly number[];
  readonly type?: NumberType;
  readonly layout?: Layout;
  /** False for saved or scratch values, through which no gradient flows. */
  readonly differentiable?: boolean;
}

/** A graph under construction. Ops are applied by their builders in `ops/`. */
export class Graph {
  readonly calls: Call[] = [];
  readonly values: Value[] = [];
  /** Values that must survive to the end of a replay, by the name that readers use. */
  readonly outputs: Map<string, Value> = new Map();
  /** The gradient of each trained param, once backward has been built. */
  readonly gradients: Map<Value, Value> = new Map();
  #block: number | null = null;
  #blocks = 0;
  /** Set while backward adds calls. */
  inBackward = false;

  constructor(
    /** Ops that save other values for other kernels ask which set the graph is for. */
    readonly kernelSet: KernelSet = "register",
    /** The most bytes of a value that kernels can bind whole: ops in chunks stay below it. */
    readonly maxBinding: number = Infinity,
  ) {}

  /** A value that the host writes before each replay. */
  input(name: string, shape: readonly number[], type: NumberType = "u32"): Value {
    return this.#named({ name, shape, type, layout: "rows", kind: "input", needs: false });
  }

  /** A frozen tensor. */
  weight(name: string, shape: readonly number[], type: NumberType, layout: Layout): Value {
    return this.#named({ name, shape, type, layout, kind: "weight", needs: false });
  }

  /** A trained tensor, f32. */
  param(name: string, shape: readonly number[], layout: Layout, used = shape): Value {
    return this.#named({ name, shape, used, type: "f32", layout, kind: "param", needs: true });
  }

  /** A tensor that lies beside the trained ones and keeps what it began with, f32. */
  held(name: string, shape: readonly number[], layout: Layout): Value {
    return this.#named({ name, shape, type: "f32", layout, kind: "param", needs: false });
  }

  /** A tensor that keeps its contents from one replay to the next. */
  state(name: string, shape: readonly number[], type: NumberType = "f32"): Value {
    return this.#named({ name, shape, type, layout: "rows", kind: "state", needs: false });
  }

  /** Calls made inside belong to one block of layers. */
  block<T>(build: () => T): T {
    this.#block = this.#blocks++;
    try {
      return build();
    } finally {
      this.#block = null;
    }
  }

  /** Applies an op. Outputs need a gradient where an input does. */
  call<I extends Named, K extends string, A>(
    // deno-lint-ignore no-explicit-any
    op: Op<I, any, A>,
    ins: I,
    outputs: Readonly<Record<K, OutputSpec>>,
    attrs: A,
  ): Record<K, Value> {
    const above = Object.values(ins).some((value) => value?.needs);
    const outs = {} as Record<K, Value>;
    for (const name in outputs) {
      const { shape, type = "f32", layout = "rows", differentiable = true } = outputs[name];
      const needs = above && differentiable && !this.inBackward;
      outs[name] = this.#value({ name, shape, type, layout, kind: "temp", needs });
    }
    this.calls.push({ op, ins, outs, attrs, block: this.#block, backward: this.inBackward });
    return outs;
  }

  /** Marks a value that the host reads after a replay. */
  output(name: string, value: Value): void {
    this.outputs.set(name, value);
  }

  /**
   * Makes a value the gradient of a trained param: it lives in the slot beside it.
   *
   * @throws {RangeError} where it is the gradient of another param already.
   */
  placeGradient(param: Value, gradient: Value): void {
    if (gradient.kind === "gradient") {
      throw new RangeError(`${param.name} and ${gradient.name} share one gradient`);
    }
    gradient.kind = "gradient";
    Object.assign(gradient, { name: param.name });
    this.gradients.set(param, gradient);
  }

  #named(value: Omit<Value, "id">): Value {
    const twin = this.values.find((other) => other.kind !== "temp" && other.name === value.name);
    if (!twin) return this.#value(value);
    if (twin.kind === value.kind && String(twin.shape) === String(value.shape)) return twin;
    throw new RangeError(
      `${value.name} is already a ${twin.kind} of [${twin.shape}], not a ${value.kind} of [${value.shape}]`,
    );
  }

  #value(value: Omit<Value, "id">): Value {
    const made = { id: this.values.length, ...value };
    this.values.push(made);
    return made;
  }
}

/** The value of a binding. */
export function valueOf(bound: Bound): Value {
  return "value" in bound ? bound.value : bound;
}

/** Rows of storage: matrices in blocks hold whole blocks of four rows. */
export function storedRows(value: Value): number {
  const rows = value.shape[0] ?? 1;
  return value.layout === "blocks" ? Math.ceil(rows / 4) * 4 : rows;
}

/** Bytes that a value takes. */
export function bytesOf(value: Value): number {
  return bytesOfRows(value, storedRows(value));
}

/** Bytes of the first `rows` rows as they are stored; in blocks, a multiple of 4. */
export function bytesOfRows({ shape, type }: Value, rows: number): number {
  const columns = shape.slice(1).reduce((n, size) => n * size, 1);
  return type === "u32" ? 4 * rows * columns : FORMATS[type].bytes(rows, columns);
}

/** `x [512, 64]`, for messages and plans. */
export function describe(value: Value): string {
  return `${value.name} [${value.shape}]${value.type === "f32" ? "" : ` ${value.type}`}`;
}

/** Rows of a matrix. */
export interface Rows {
  readonly from: number;
  readonly rows: number;
}

/** Binds some rows of a matrix, as `partsOf()` cuts it. */
export function rowsOf(value: Value, { from, rows }: Rows): Part {
  return { value, offset: bytesOfRows(value, from), size: bytesOfRows(value, rows) };
}

/** Bound parts of a table begin at multiples of this many rows, or of more: see `partsOf()`. */
const PART_ROWS = 64;

/** Cuts a table into parts of rows of at most `maxBytes` bytes and `most` rows each. */
export function partsOf(table: Value, maxBytes: number, most = Infinity): Rows[] {
  const rows = storedRows(table);
  const rowBytes = bytesOf(table) / rows;
  let unit = PART_ROWS;
  while (bytesOfRows(table, unit) % SLICE_ALIGNMENT !== 0) unit += PART_ROWS;
  const fitting = Math.floor(Math.min(maxBytes / rowBytes, most) / unit) * unit;
  const step = Math.max(unit, fitting);
  const parts: Rows[] = [];
  for (let from = 0; from < rows; from += step) {
    parts.push({ from, rows: Math.min(step, rows - from) });
  }
  return parts;
}
