/**
 * What a family writes its forward with: layers by the names that the checkpoint gives them.
 *
 * @module
 */
import type { Graph, Layout, NumberType, Value } from "../../graph/graph.ts";
import {
  activate,
  type Activation,
  add,
  attention,
  bias as addBias,
  cachedAttention,
  distanceBias,
  type Documents,
  embed,
  glu,
  type Heads,
  layerNorm,
  linear,
  longContextAngles,
  noise,
  rmsNorm,
  rope,
  scale,
  slidingWindow,
  split,
} from "../../ops/mod.ts";
import { type Matrix, POSITION_ORDER, TOKEN_ORDER } from "./adapt.ts";
import type { CrossAttentionCache, Output } from "../family.ts";
import type { LinearOptions, NetOptions, Norm } from "./options.ts";
import { type Buckets, bucketTable } from "./relative.ts";
import { ANGLE_ROW, angleTable, type Frequencies, type LongAngles } from "./rope.ts";
import { HEAD, HEAD_MODULE } from "../stored.ts";
import { inCache, sourceCaches } from "./source_rows.ts";
import { headUpdate, withAttended, withTrained, withVirtual } from "./trained_rows.ts";
import { roundTo } from "../weights.ts";

export type * from "../family.ts";
export type * from "./options.ts";

/** Applies layers to a graph. */
export class Net {
  readonly #options: NetOptions;
  /** Tables made here rather than read from the checkpoint, by name. */
  readonly tables: Map<string, () => Float32Array | Uint32Array> = new Map();
  /** Where long texts have angles of their own; undefined where they have none here. */
  long: LongAngles | undefined;
  /** Rows of angles that differ from the positions. */
  readonly #angleRows = new Map<Value, Value>();
  readonly #windows = new Map<number, Documents>();
  #layer = 0;
  #vocabSize = 0;

  constructor(readonly graph: Graph, options: NetOptions) {
    this.#options = options;
  }

  /** A matrix [rows, columns] of the checkpoint. */
  matrix(name: string, rows: number, columns: number): Value {
    const trained = this.#options.adapt?.tensor(this.graph, name, [rows, columns]);
    return trained ?? this.#stored(name, [rows, columns]);
  }

  /** A vector of the checkpoint, kept as f32. */
  vector(name: string, size: number): Value {
    const trained = this.#options.adapt?.tensor(this.graph, name, [size]);
    return trained ?? this.#stored(name, [size]);
  }

  /** A tensor as the checkpoint has it, whatever an adapter has in its place. */
  #stored(
    name: string,
    shape: readonly number[],
    layout: Layout = shape.length > 1 ? "blocks" : "rows",
  ): Value {
    const type = this.#options.typeOf(name, shape);
    return this.#options.full
      ? this.graph.param(name, shape, layout)
      : this.#weight(name, shape, layout === "rows" ? "f32" : type, layout);
  }

  #weight(name: string, shape: readonly number[], type: NumberType, layout: Layout): Value {
    return this.graph.weight(`${this.#options.prefix ?? ""}${name}`, shape, type, layout);
  }

  /** A table that is made here. */
  #table(
    name: string,
    shape: readonly number[],
    make: () => Float32Array | Uint32Array,
    type: NumberType = "f32",
  ): Value {
    this.tables.set(`${this.#options.prefix ?? ""}${name}`, make);
    return this.#weight(name, shape, type, "rows");
  }

  /**
   * The output head, which is the table of the module `embedding` where the two are tied. To an
   * adapter it is a module of its own all the same, as to PEFT.
   */
  head(vocabSize: number, hidden: number, embedding?: string): Omit<Output, "hidden"> {
    const { adapt } = this.#options;
    const shape = [vocabSize, hidden] as const;
    const rows = adapt?.rows?.(this.graph, embedding ?? HEAD_MODULE, shape);
    return {
      head: adapt?.tensor(this.graph, HEAD, shape) ??
        this.#stored(embedding === undefined ? HEAD : `${embedding}.weight`, shape),
      adapter: adapt?.lowRank(this.graph, HEAD_MODULE, shape) ??
        (rows && headUpdate(this, rows, shape)),
    };
  }

  /** Calls inside belong to one block of layers, which backward may recompute. */
  block(build: () => Value): Value {
    return this.graph.block(build);
  }

  /** Rows of the table, times `scale` in the precision of the checkpoint as in transformers. */
  embed(module: string, vocabSize: number, hidden: number, scale = 1): Value {
    const { rows, typeOf, seed, noise: alpha = 0, adapt } = this.#options;
    const shape = [vocabSize, hidden] as const;
    const rounded = roundTo(scale, typeOf(`${module}.weight`, shape));
    const table = this.#rows(module, shape, rows.token, TOKEN_ORDER, rounded);
    const trained = adapt?.rows?.(this.graph, module, shape);
    const x = trained ? withTrained(this, trained, table, rows.token, rounded) : table;
    this.#vocabSize = vocabSize;
    const isNoisy = alpha > 0 && seed !== undefined && rows.kind === "packed";
    const embedded = isNoisy ? noise(this.graph, x, rows, { alpha, seed }) : x;
    const own = adapt?.virtual?.embeddings(this.graph, hidden);
    return withVirtual(this, embedded, rows.token, adapt?.virtual?.count, vocabSize, own);
  }

  /** Rows of a table of learned positions [context, hidden], which documents begin anew. */
  positions(module: string, context: number, hidden: number): Value {
    const { position } = this.#options.rows;
    return this.#rows(module, [context, hidden], position, POSITION_ORDER);
  }

  /** Rows of a table, times `scale`, with its low-rank update. */
  #rows(module: string, shape: Matrix, index: Value, names: typeof TOKEN_ORDER, scale = 1): Value {
    const table = this.matrix(`${module}.weight`, ...shape);
    const adapter = this.#options.adapt?.table(this.graph, module, shape);
    const sorted = (table.needs || adapter?.a.needs) && this.#options.rows.kind === "packed"
      ? {
        order: this.graph.input(names.order, index.shape),
        first: this.graph.input(names.first, [shape[0] + 1]),
      }
      : undefined;
    const x = embed(this.graph, index, table, { sorted, scale });
    if (!adapter) return x;
    const u = embed(this.graph, index, adapter.a, { sorted, scale: scale * adapter.scale });
    return linear(this.graph, u, adapter.b, { residual: x });
  }

  /** Normalises each `width` numbers of a row by themselves; the whole row by default. */
  norm(x: Value, module: string, { eps, unit, centred }: Norm, width = x.shape[1]!): Value {
    const weight = this.vector(`${module}.weight`, width);
    if (!centred) return rmsNorm(this.graph, x, weight, eps, unit);
    return layerNorm(this.graph, x, weight, this.vector(`${module}.bias`, width), eps);
  }

  /** A linear layer with its adapter. */
  linear(x: Value, module: string, outFeatures: number, options: LinearOptions = {}): Value {
    const { bias = false, residual } = options;
    const { adapt, watch, seed } = this.#options;
    const w = this.matrix(`${module}.weight`, outFeatures, x.shape[1]!);
    const rowNorms = () => this.#rowNorms(w);
    const biasOf = () => bias ? this.vector(`${module}.bias`, outFeatures) : undefined;
    const layer = { module, x, w, residual, bias: biasOf, seed, rowNorms };
    const adapted = adapt?.linear(this.graph, layer);
    if (adapted) return watch?.(this.graph, module, x, adapted) ?? adapted;
    const made = linear(this.graph, x, w, { residual });
    const y = watch?.(this.graph, module, x, made) ?? made;
    const b = biasOf();
    return b ? addBias(this.graph, y, b) : y;
  }

  #rowNorms({ name, shape: [rows = 0] }: Value): Value {
    return this.#table(`norms of the rows of ${name}`, [rows], () => this.#options.rowNorms!(name));
  }

  /**
   * The angles of every position, for {@link rope}. Where long texts turn by angles of their own,
   * these follow: packed documents take them by their length, of a cached sequence the host says so.
   */
  angles({ pairs, factor, long }: Frequencies): Value {
    const { rows, positions } = this.#options;
    const { than = Infinity, pairs: longPairs = pairs } = long ?? {};
    const tables = positions > than ? [pairs, longPairs] : [pairs];
    const kind = tables.length > 1 ? "short and long angles" : "angles";
    const name = `${kind} ${this.tables.size} of ${positions} positions`;
    const shape = [tables.length * positions, 2 * pairs.length];
    const angles = this.#table(name, shape, () => {
      const parts = tables.map((pairs) => angleTable({ pairs, factor }, positions));
      const whole = new Float32Array(parts.length * parts[0]!.length);
      for (const [i, part] of parts.entries()) whole.set(part, i * part.length);
      return whole;
    });
    if (tables.length > 1) {
      this.long = { than, offset: positions };
      const row = rows.kind === "packed"
        ? longContextAngles(this.graph, rows, rows.position, this.long)
        : this.graph.input(ANGLE_ROW, rows.position.shape);
      this.#angleRows.set(angles, row);
    }
    return angles;
  }

  /** Turns the heads of x by their positions. */
  rope(x: Value, angles: Value, headDim: number): Value {
    const row = this.#angleRows.get(angles) ?? this.#options.rows.position;
    return rope(this.graph, x, row, angles, headDim);
  }

  /** A learned bias of the scores of `heads` by the distance of query and key, for {@link attention}. */
  distanceBias(module: string, heads: number, buckets: Buckets): Value {
    const { rows } = this.#options;
    const span = rows.kind === "packed" ? rows.position.shape[0]! : rows.context;
    const name = `buckets ${JSON.stringify(buckets)} of ${span} positions`;
    const bucket = this.#table(name, [2 * span], () => bucketTable(span, buckets), "u32");
    const table = this.#stored(`${module}.weight`, [buckets.count, heads], "rows");
    return distanceBias(this.graph, table, bucket);
  }

  add(a: Value, b: Value): Value {
    return add(this.graph, a, b);
  }

  scale(x: Value, by: number): Value {
    return scale(this.graph, x, by);
  }

  /** activation(gate) * up */
  glu(gate: Value, up: Value, activation: Activation): Value {
    return glu(this.graph, gate, up, activation);
  }

  activate(x: Value, activation: Activation): Value {
    return activate(this.graph, x, activation);
  }

  /** The columns of x, or of each of its heads, in parts of the given widths. */
  split(x: Value, widths: readonly number[], heads = 1): Value[] {
    return split(this.graph, x, widths, heads);
  }

  /**
   * Attention within documents, causal but in an encoder, or over the cache of what came before. A
   * row sees the last `window` rows, itself included; all of them by default.
   */
  attention(q: Value, k: Value, v: Value, heads: Heads, window?: number, bias?: Value): Value {
    const { rows } = this.#options;
    const layer = this.#layer++;
    k = withAttended(this, this.#options, { layer, part: "key", vocabSize: this.#vocabSize }, k);
    v = withAttended(this, this.#options, { layer, part: "value", vocabSize: this.#vocabSize }, v);
    if (rows.kind === "packed") {
      return attention(this.graph, q, k, v, this.#documents(rows, window), heads, bias);
    }
    const keys = inCache(this.graph, `key cache ${layer}`, k, rows);
    const values = inCache(this.graph, `value cache ${layer}`, v, rows);
    return cachedAttention(this.graph, q, keys, values, rows, heads, window, bias);
  }

  /** Attention to the rows of the source: to layer `layer` of the memory, or to what is cached of it. */
  crossAttention(
    q: Value,
    memory: CrossAttentionCache | undefined,
    layer: number,
    heads: Heads,
  ): Value {
    const { rows } = this.#options;
    if (rows.kind === "packed") {
      const [k, v] = memory![layer]!;
      return attention(this.graph, q, k, v, rows.source!, heads);
    }
    const { slot, slots, count, source } = rows;
    const { last, context } = source!;
    const shape = [slots, context, heads.groups * heads.headDim];
    const [k, v] = sourceCaches(this.graph, layer, shape);
    return cachedAttention(this.graph, q, k, v, { slot, count, position: last }, heads);
  }

  #documents(rows: Documents & { bothWays?: boolean }, window: number | undefined): Documents {
    const { start, end, bothWays } = rows;
    if (bothWays) return { start, end, span: { stop: end, first: start } };
    return window === undefined ? { start, end } : this.#window(rows, window);
  }

  /** What rows see through a window: made once for all layers. */
  #window(rows: Documents, window: number): Documents {
    const made = this.#windows.get(window) ?? slidingWindow(this.graph, rows, window);
    this.#windows.set(window, made);
    return made;
  }
}
