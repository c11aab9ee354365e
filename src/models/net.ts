/**
 * What a family writes its forward with: layers by the names that the checkpoint gives them.
 *
 * @module
 */
import type { Graph, NumberType, Value } from "../graph/graph.ts";
import {
  attention,
  cachedAttention,
  cacheWrite,
  embed,
  type Heads,
  linear,
  type LowRank,
  rmsNorm,
  rope,
  swiglu,
} from "../ops/mod.ts";
import type { ConfigReader } from "./config.ts";
import type { Frequencies } from "./rope.ts";

/** One model family: how to read its config, and its forward. Everything else follows from these. */
export interface Family<Config extends FamilyConfig = FamilyConfig> {
  /** `model_type` in config.json. */
  readonly modelTypes: readonly string[];
  /** @throws {FileError} for a field that is missing, of the wrong kind, or not built. */
  parse(config: ConfigReader): Config;
  /** The last hidden states [T, hidden], and the head [vocabulary, hidden]. */
  forward(net: Net, config: Config): { hidden: Value; head: Value };
}

/** What everyone may ask of a family's config. */
export interface FamilyConfig {
  readonly vocabSize: number;
  /** The longest sequence that the model was made for. */
  readonly context: number;
}

/** Supplies the low-rank update of a linear module, or none; adapters are passed in from outside. */
export type Adapt = (
  graph: Graph,
  module: string,
  outFeatures: number,
  inFeatures: number,
) => LowRank | undefined;

/** The rows of one replay: packed documents, or the next rows of a cached sequence. */
export type RowInputs =
  & { readonly token: Value; readonly position: Value }
  & (
    | { readonly kind: "packed"; readonly start: Value; readonly end: Value }
    | { readonly kind: "cached"; readonly count: Value; readonly context: number }
  );

export interface NetOptions {
  readonly rows: RowInputs;
  /** Positions that the angle table covers. */
  readonly positions: number;
  /** How the checkpoint stores a tensor; throws where it lacks it or its shape is another. */
  readonly typeOf: (name: string, shape: readonly number[]) => NumberType;
  readonly adapt?: Adapt | undefined;
  /** Full-parameter training: every tensor is a param; the tokens' order serves the embedding. */
  readonly full?: { readonly order: Value; readonly first: Value } | undefined;
}

/** Applies layers to a graph. */
export class Net {
  readonly #options: NetOptions;
  /** Tables made here rather than read from the checkpoint, by name. */
  readonly tables: Map<string, Frequencies> = new Map();
  #layer = 0;

  constructor(readonly graph: Graph, options: NetOptions) {
    this.#options = options;
  }

  /** A matrix [rows, columns] of the checkpoint. */
  matrix(name: string, rows: number, columns: number): Value {
    const shape = [rows, columns];
    const type = this.#options.typeOf(name, shape);
    return this.#options.full
      ? this.graph.param(name, shape, "blocks")
      : this.graph.weight(name, shape, type, "blocks");
  }

  /** A vector of the checkpoint, kept as f32. */
  vector(name: string, size: number): Value {
    this.#options.typeOf(name, [size]);
    return this.#options.full
      ? this.graph.param(name, [size], "rows")
      : this.graph.weight(name, [size], "f32", "rows");
  }

  /** Calls inside belong to one block of layers, which backward may recompute. */
  block(build: () => Value): Value {
    return this.graph.block(build);
  }

  embed(module: string, vocabSize: number, hidden: number): Value {
    const table = this.matrix(`${module}.weight`, vocabSize, hidden);
    const { rows, full } = this.#options;
    return embed(this.graph, rows.token, table, { sorted: full });
  }

  rmsNorm(x: Value, module: string, eps: number): Value {
    return rmsNorm(this.graph, x, this.vector(`${module}.weight`, x.shape[1]!), eps);
  }

  /** A linear layer with its adapter, on top of a residual stream where one is given. */
  linear(x: Value, module: string, outFeatures: number, residual?: Value): Value {
    const inFeatures = x.shape[1]!;
    const w = this.matrix(`${module}.weight`, outFeatures, inFeatures);
    const adapter = this.#options.adapt?.(this.graph, module, outFeatures, inFeatures);
    return linear(this.graph, x, w, { adapter, residual });
  }

  /** The angles of every position, for {@link rope}. */
  angles(frequencies: Frequencies): Value {
    const { positions } = this.#options;
    const name = `angles ${this.tables.size} of ${positions} positions`;
    this.tables.set(name, frequencies);
    return this.graph.weight(name, [positions, 2 * frequencies.length], "f32", "rows");
  }

  rope(x: Value, angles: Value, headDim: number): Value {
    return rope(this.graph, x, this.#options.rows.position, angles, headDim);
  }

  swiglu(gate: Value, up: Value): Value {
    return swiglu(this.graph, gate, up);
  }

  /** Causal attention within documents, or over the cache of what came before. */
  attention(q: Value, k: Value, v: Value, heads: Heads): Value {
    const { rows } = this.#options;
    if (rows.kind === "packed") return attention(this.graph, q, k, v, rows, heads);
    const layer = this.#layer++;
    const cache = (name: string, x: Value) => {
      const state = this.graph.state(`${name} cache ${layer}`, [rows.context, x.shape[1]!]);
      return cacheWrite(this.graph, x, state, rows);
    };
    return cachedAttention(this.graph, q, cache("key", k), cache("value", v), rows, heads);
  }
}
