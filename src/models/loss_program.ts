/**
 * The loss of packed micro-batches, recorded once and replayed for each.
 *
 * @module
 */
import type { Dispatch, ReplayOptions } from "../gpu/program.ts";
import type { Compiled, Engine } from "../graph/compile.ts";
import type { Planned } from "../graph/planned.ts";
import { DRAW, supervisedCapacity } from "../ops/mod.ts";
import type { LossGraph, LossGraphOptions, Model } from "./model.ts";
import { type OrderNames, POSITION_ORDER, TOKEN_ORDER } from "./layers/adapt.ts";
import { sourceData, type SourceRows } from "./layers/source_rows.ts";

/** A packed micro-batch, as `batch` of data lays it out. */
export interface PackedRows {
  readonly tokens: Uint32Array; // [T]
  readonly positions: Uint32Array; // [T]
  readonly start: Uint32Array; // [T]
  readonly end: Uint32Array; // [T]
  /** Rows whose next token is supervised, and that token. */
  readonly rows: Uint32Array; // [supervised]
  readonly targets: Uint32Array; // [supervised]
  /** What the encoder reads, where the model has one. */
  readonly source?: SourceRows | undefined;
}

/** What pads `rows`: no row of any micro-batch. */
const NO_ROW = 0xffffffff;

/** A compiled loss graph that takes micro-batches. */
export class LossProgram {
  /** Rows that the supervision is padded to. */
  readonly capacity: number;
  /** Rows of trained tables, of tokens and of positions; 0 where there is none. */
  readonly #tables: { readonly tokens: number; readonly positions: number };
  readonly #hasEncoder: boolean;
  /** Whether an adapter drops out. */
  readonly #draws: boolean;
  readonly #chunk: number;
  #gates = 0;

  private constructor(
    readonly compiled: Compiled,
    readonly T: number,
    { graph, chunk }: LossGraph,
    { hasEncoder }: Model,
  ) {
    this.capacity = supervisedCapacity(T);
    this.#chunk = chunk;
    const inputs = graph.values.filter(({ kind }) => kind === "input");
    const rowsOf = ({ first }: OrderNames) =>
      (inputs.find(({ name }) => name === first)?.shape[0] ?? 1) - 1;
    this.#tables = { tokens: rowsOf(TOKEN_ORDER), positions: rowsOf(POSITION_ORDER) };
    this.#hasEncoder = hasEncoder;
    this.#draws = inputs.some(({ name }) => name === DRAW);
  }

  /** Builds the graph and plans its memory. */
  static plan(engine: Engine, model: Model, options: LossGraphOptions): Planned<LossProgram> {
    const built = model.lossGraph(engine, options);
    return model.plan(engine, built).as((compiled) =>
      new LossProgram(compiled, options.T, built, model)
    );
  }

  /** Plans, loads and records. */
  static open(engine: Engine, model: Model, options: LossGraphOptions): Promise<LossProgram> {
    return LossProgram.plan(engine, model, options).open();
  }

  /**
   * Writes a micro-batch. `weights` is what each supervised token counts, [supervised]: 1 / tokens
   * of the update in training; where absent 1, for plain negative log-likelihoods. `draw` is the
   * number of the micro-batch in the whole run, by which an adapter drops out.
   *
   * @throws {RangeError} where it has another number of rows than the program, or a source that the
   * model has no encoder for, or none where it has one; where an adapter drops out and no `draw` is
   * given.
   */
  feed(packed: PackedRows, weights?: Float32Array, draw?: number): void {
    const { tokens, positions, start, end, rows, targets, source } = packed;
    if (tokens.length !== this.T) {
      throw new RangeError(`Found ${tokens.length} rows, wanted ${this.T}`);
    }
    if (Boolean(source) !== this.#hasEncoder) {
      throw new RangeError(
        `Found rows ${
          this.#hasEncoder ? "without a source, wanted one" : "with a source, wanted none"
        }`,
      );
    }
    for (const [name, data] of source ? sourceData(source) : []) this.compiled.write(name, data);
    if (this.#draws) {
      if (draw === undefined) {
        throw new RangeError("Found no draw, wanted one: the adapter has dropout");
      }
      this.compiled.write(DRAW, Uint32Array.of(draw));
    }
    const { capacity } = this;
    const padded = new Uint32Array(capacity).fill(NO_ROW);
    padded.set(rows);
    const label = new Uint32Array(capacity);
    label.set(targets);
    const inputs = { token: tokens, position: positions, start, end, rows: padded, label };
    for (const [name, data] of Object.entries(inputs)) this.compiled.write(name, data);
    const weight = new Float32Array(capacity);
    if (weights) weight.set(weights);
    else weight.fill(1, 0, rows.length);
    this.compiled.write("weight", weight);
    this.#writeOrder(TOKEN_ORDER, tokens, this.#tables.tokens);
    this.#writeOrder(POSITION_ORDER, positions, this.#tables.positions);
    this.#gates = Math.max(1, Math.ceil(rows.length / this.#chunk)); // the first also clears the head's gradient
  }

  #writeOrder(names: OrderNames, index: Uint32Array, rows: number): void {
    if (rows === 0) return;
    const { order, first } = sortTokens(index, rows);
    this.compiled.write(names.order, order);
    this.compiled.write(names.first, first);
  }

  /** Replays for the micro-batch that was fed, without waiting. */
  run(after?: ReplayOptions["after"]): void {
    this.compiled.program.replay({ gates: this.#gates, ...(after ? { after } : {}) });
  }

  /** {@link run} with a look at what each dispatch has written. A sync point. */
  firstNonFinite(): Promise<Dispatch | null> {
    const { program, engine: { pipelines } } = this.compiled;
    return program.firstNonFinite(pipelines, this.#gates);
  }
}

/** Positions of the tokens sorted by id, stable, and where each id's positions begin. */
export function sortTokens(tokens: Uint32Array, vocabSize: number) {
  const first = new Uint32Array(vocabSize + 1);
  for (const token of tokens) first[token + 1]!++;
  for (let id = 0; id < vocabSize; id++) first[id + 1]! += first[id]!;
  const next = first.slice();
  const order = new Uint32Array(tokens.length);
  for (const [position, token] of tokens.entries()) order[next[token]!++] = position;
  return { order, first };
}
