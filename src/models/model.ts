/**
 * An open model: its checkpoint, its tokenizer, the graphs that are built from it and its weights
 * on the device.
 *
 * @module
 */
import { join } from "node:path";
import { compile, type Engine, graphFor, targetOf } from "../graph/compile.ts";
import { type Graph, storedRows, type Value } from "../graph/graph.ts";
import { Planned } from "../graph/planned.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import { tell } from "../progress.ts";
import { loadTokenizer, type Tokenizer } from "../io/tokenizer/tokenizer.ts";
import {
  cacheWrite,
  chunkRows,
  differentiate,
  linearCrossEntropy,
  linearKl,
  linearScores,
  logits,
  sum,
  supervisedCapacity,
} from "../ops/mod.ts";
import type {
  DecodeGraphOptions,
  LossGraph,
  LossGraphOptions,
  ModelGraph,
  Modules,
} from "./graphs.ts";
import { modulesOf } from "./modules.ts";
import { besideVirtual, refuseOther } from "./virtual.ts";
import { ConfigReader } from "./config.ts";
import { hasOwnHead } from "./left_over.ts";
import { warmed } from "./family.ts";
import { familyOf } from "./mod.ts";
import {
  type Family,
  type FamilyConfig,
  Net,
  type NetOptions,
  type Output,
  type RowInputs,
} from "./layers/net.ts";
import { refuseEncoder, SOURCE_LAST, sourceCaches, sourceInputs } from "./layers/source_rows.ts";
import { openWeights } from "./gguf_checkpoint.ts";
import { openShapes } from "./shapes.ts";
import type { ModelOptions } from "./model_options.ts";
import { rowNorms } from "./norms.ts";
import { SCORE, withScoreHead } from "./score_head.ts";
import { refuseNoGroups, Tensors } from "./stored.ts";
import { packedRows } from "./packed_inputs.ts";
import { loadWeight } from "./weights.ts";

/** Before the names of a teacher's weights: those of its student are called alike. */
const TEACHER = "teacher ";

export type * from "./graphs.ts";
export type { ModelOptions } from "./model_options.ts";
export { SCORE, SCORE_MODULE } from "./score_head.ts";

/** A model in a Hugging Face folder or a GGUF file. */
export class Model implements Disposable {
  readonly family: Family;
  readonly config: FamilyConfig;
  readonly tensors: Tensors;
  readonly checkpoint: Checkpoint;
  /** Whether its head is one of its own though config.json ties it to the embedding. */
  readonly hasDeniedHead: boolean;
  /** Rows of its head of scores, 0 where it has none. */
  readonly scores: number;
  /** Whether programs with an adapter of virtual tokens read nothing of them either: the base. */
  hidesVirtual = false;
  #tokenizer: Tokenizer | (() => Tokenizer);
  #virtualTokens = 0;

  /**
   * Opens the folder or file and checks its config; tensors are checked when a graph is built.
   *
   * @throws {FileError} for a missing or damaged file, or a family that is not built.
   * @throws {ConfigError} where no matrix can be rounded as wanted.
   */
  constructor(readonly folder: string, options: ModelOptions = {}) {
    const { quantize, over = (checkpoint) => checkpoint, tokenizerFolder = folder } = options;
    const { shapeOnly = false, scores = 0 } = options;
    this.scores = scores;
    const opened = shapeOnly ? openShapes(folder) : openWeights(folder);
    this.checkpoint = withScoreHead(over(opened), scores);
    const { checkpoint } = this;
    const file = join(folder, "config.json");
    this.family = familyOf(checkpoint.config["model_type"], file);
    const config = this.family.parse(new ConfigReader(file, checkpoint.config));
    this.hasDeniedHead = config.tied && hasOwnHead(checkpoint, this.family.stored ?? {});
    this.config = this.hasDeniedHead ? { ...config, tied: false } : config;
    this.tensors = new Tensors(checkpoint, this.family.stored, this.config.tied, quantize);
    if (quantize) refuseNoGroups(checkpoint, quantize);
    const load = () => loadTokenizer(folder, { from: tokenizerFolder });
    this.#tokenizer = shapeOnly ? load : load();
  }

  /** @throws {FileError} for a folder without one, where its shape was enough. */
  get tokenizer(): Tokenizer {
    if (typeof this.#tokenizer === "function") this.#tokenizer = this.#tokenizer();
    return this.#tokenizer;
  }

  /** How many virtual tokens stand in front of every document; their ids follow the vocabulary's. */
  get virtualTokens(): number {
    return this.#virtualTokens;
  }

  /**
   * Has every document that is encoded from now on begin with so many virtual tokens; a graph without
   * an adapter of them reads what stands behind them.
   *
   * @throws {ConfigError} where there is another number of them.
   */
  prepend(virtualTokens: number): void {
    refuseOther(this.#virtualTokens, virtualTokens);
    this.#virtualTokens = virtualTokens;
  }

  /**
   * The loss of a packed micro-batch. Inputs: token, position, start, end [T]; rows, label, weight
   * [capacity]; where tables are trained also order [T] and first [rows + 1]; where numbers are
   * drawn at random also draw [1]; with an encoder also what `sourceInputs()` declares. Outputs: `losses`, the
   * weighted loss of each supervised row, and `loss`, their sum; for `kl` also `stats`, as of
   * `linearKl()`. The base's predictions are those of a forward without the adapter, over the same
   * weights; a teacher's are those of a forward over its own.
   *
   * @throws {ConfigError} for full training of an encoder and a decoder.
   */
  lossGraph(engine: Engine, options: LossGraphOptions): LossGraph {
    const { T, loss = "nll", teacher, temperature, adapt, watch, noise } = options;
    const { train = false, full = false, recompute = false, seed = 0 } = options;
    const graph = graphFor(engine.device);
    const rows = packedRows(graph, T);
    if (full) refuseEncoder(this, "to train every parameter");
    const target = { rows, positions: T, prefix: teacher && TEACHER, temperature };
    const before = loss === "kl" ? (teacher?.model ?? this).#forward(graph, target) : null;
    const { hidden, head, cap, adapter, tables } = this.#forward(graph, {
      ...{ rows, positions: T, temperature },
      ...{ adapt, watch, full, noise, seed: train ? seed : undefined },
    });
    const capacity = supervisedCapacity(T);
    const supervision = {
      rows: graph.input("rows", [capacity]),
      label: graph.input("label", [capacity]),
      weight: graph.input("weight", [capacity], "f32"),
    };
    const { loss: losses, stats } = before
      ? linearKl(graph, hidden, head, before, supervision, {
        ...{ cap, adapter, ...(teacher && { beta: teacher.beta }) },
      })
      : {
        loss: linearCrossEntropy(graph, hidden, head, supervision, { cap, adapter }),
        stats: null,
      };
    if (train) differentiate(graph, losses, { recompute });
    graph.output("losses", losses);
    if (stats) graph.output("stats", stats);
    graph.output("loss", sum(graph, losses));
    const all = new Map([...tables, ...before?.tables ?? []]);
    return { graph, tables: all, teacher: teacher?.model, chunk: chunkRows(graph, head) };
  }

  /**
   * Scores of rows of a packed micro-batch. Inputs: those of {@link lossGraph} without label; weight
   * [capacity, K up to a multiple of 4], what each score counts. Output: `scores`, of its shape.
   *
   * @throws {RangeError} for a model that was opened without a head of scores.
   */
  scoreGraph(engine: Engine, options: Omit<LossGraphOptions, "loss" | "full">): ModelGraph {
    const { T, adapt, watch, train = false, recompute = false, seed = 0 } = options;
    if (this.scores === 0) throw new RangeError(`Found no head of scores in ${this.folder}`);
    const graph = graphFor(engine.device);
    const net = { rows: packedRows(graph, T), positions: T, adapt, watch };
    const { hidden, tables } = this.#forward(graph, { ...net, seed: train ? seed : undefined });
    const shape = [this.scores, hidden.shape[1]!] as const;
    const head = adapt?.tensor(graph, SCORE, shape) ??
      graph.weight(SCORE, shape, this.tensors.format(SCORE, shape), "blocks");
    const wanted = graph.input("rows", [supervisedCapacity(T)]);
    const weight = graph.input("weight", [...wanted.shape, storedRows(head)], "f32");
    const scores = linearScores(graph, hidden, head, wanted, weight);
    if (train) differentiate(graph, scores, { recompute });
    graph.output("scores", scores);
    return { graph, tables };
  }

  /**
   * The next rows of sequences over a cache. Inputs: token, slot, position [T], count [1], rows
   * [scored] (which rows want scores); with `long` also angle_row [T], with an encoder source_last
   * [T], the last row of each row's source. Output: `logits` [scored, vocabulary rounded up to a
   * multiple of 4].
   */
  decodeGraph(engine: Engine, options: DecodeGraphOptions): ModelGraph {
    const { T, context, slots = 1, scored, adapt, full = false } = options;
    const graph = graphFor(engine.device);
    const token = graph.input("token", [T]);
    const slot = graph.input("slot", [T]);
    const position = graph.input("position", [T]);
    const count = graph.input("count", [1]);
    const source = this.hasEncoder ? { last: graph.input(SOURCE_LAST, [T]), context } : undefined;
    const rows = { kind: "cached", token, slot, position, count, slots, context, source } as const;
    const net = this.#net(graph, { rows, positions: context, adapt, full });
    const { hidden, head, cap, adapter } = this.family.forward(net, this.config);
    const wanted = graph.input("rows", [scored]);
    graph.output("logits", logits(graph, hidden, head, wanted, { cap, adapter }));
    return { graph, tables: net.tables, long: net.long };
  }

  /**
   * Reads sources of up to T tokens into the caches that `decodeGraph` attends to. Inputs: token,
   * position, start, end, slot [T], count [1]; no output.
   */
  encodeGraph(engine: Engine, options: Omit<DecodeGraphOptions, "scored">): ModelGraph {
    const { T, context, slots = 1, adapt } = options;
    const graph = graphFor(engine.device);
    const rows = { ...packedRows(graph, T), bothWays: true };
    const slot = graph.input("slot", [T]);
    const places = { slot, position: rows.position, count: graph.input("count", [1]) };
    const net = this.#net(graph, { rows, positions: T, adapt });
    for (const [layer, [k, v]] of this.family.encode!(net, this.config).entries()) {
      const [keys, values] = sourceCaches(graph, layer, [slots, context, k.shape[1]!]);
      cacheWrite(graph, k, keys, places);
      cacheWrite(graph, v, values, places);
    }
    return { graph, tables: net.tables };
  }

  /** What an adapter can change, in the order of the forward. */
  modules(engine: Engine): Modules {
    return modulesOf(engine, this);
  }

  /** Plans a graph; what is opened of it loads the weights that the store lacks. */
  plan(engine: Engine, { graph, tables, teacher }: ModelGraph): Planned {
    return Planned.of(graph, targetOf(engine.device), (plan, resources) => {
      const missing = graph.values.filter(({ kind, name }) =>
        kind === "weight" && !tables.has(name) && !engine.store.hasWeight(name)
      );
      for (const [i, value] of missing.entries()) {
        if (!engine.store.hasWeight(value.name)) this.#load(engine, value, teacher);
        tell("loading weights", i + 1, missing.length);
      }
      return compile(engine, graph, { plan, resources, tables });
    }, tables);
  }

  /** Whether an encoder reads the prompt. */
  get hasEncoder(): boolean {
    return this.family.encode !== undefined;
  }

  [Symbol.dispose](): void {
    this.checkpoint.close();
  }

  /** The family's forward over packed rows, with the encoder's before it where there is one. */
  #forward(
    graph: Graph,
    { temperature, ...options }:
      & Omit<NetOptions, "typeOf" | "rowNorms">
      & Pick<LossGraphOptions, "temperature">,
  ): Output & Pick<ModelGraph, "tables"> {
    const { family: { encode, forward }, config } = this;
    if (!encode) {
      const net = this.#net(graph, options);
      return { ...warmed(graph, forward(net, config), temperature), tables: net.tables };
    }
    const { rows, seen } = sourceInputs(graph, options.positions);
    const encoder = this.#net(graph, { ...options, rows });
    const net = this.#net(graph, {
      ...options,
      rows: { ...options.rows, source: seen } as RowInputs,
    });
    const output = forward(net, config, encode(encoder, config));
    return {
      ...warmed(graph, output, temperature),
      tables: new Map([...encoder.tables, ...net.tables]),
    };
  }

  #net(graph: Graph, options: Omit<NetOptions, "typeOf" | "rowNorms">): Net {
    return new Net(graph, {
      ...besideVirtual(graph, this, options),
      typeOf: (name, shape) => this.tensors.format(name, shape),
      rowNorms: (name) => rowNorms(this.tensors, name),
    });
  }

  #load(engine: Engine, value: Value, teacher?: Model): void {
    if (!teacher || !value.name.startsWith(TEACHER)) return loadWeight(engine, this.tensors, value);
    loadWeight(engine, teacher.tensors, value, value.name.slice(TEACHER.length));
  }
}
