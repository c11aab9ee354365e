/**
 * The loss of packed micro-batches, recorded once and replayed for each.
 *
 * @module
 */
import type { Dispatch, ReplayOptions } from "../gpu/program.ts";
import type { Compiled, Engine } from "../graph/compile.ts";
import type { Planned } from "../graph/planned.ts";
import { supervisedCapacity } from "../ops/mod.ts";
import type { LossGraph, LossGraphOptions, Model } from "./model.ts";
import { type PackedDocuments, PackedInputs } from "./packed_inputs.ts";

/** A packed micro-batch, as `batch` of data lays it out. */
export interface PackedRows extends PackedDocuments {
  /** Rows whose next token is supervised, and that token. */
  readonly rows: Uint32Array; // [supervised]
  readonly targets: Uint32Array; // [supervised]
}

/** What pads `rows`: no row of any micro-batch. */
export const NO_ROW = 0xffffffff;

/** A compiled loss graph that takes micro-batches. */
export class LossProgram {
  /** Rows that the supervision is padded to. */
  readonly capacity: number;
  readonly #inputs: PackedInputs;
  readonly #chunk: number;
  #gates = 0;

  private constructor(
    readonly compiled: Compiled,
    readonly T: number,
    { graph, chunk }: LossGraph,
    model: Model,
  ) {
    this.capacity = supervisedCapacity(T);
    this.#chunk = chunk;
    this.#inputs = new PackedInputs(compiled, T, graph, model);
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
   * @throws {RangeError} as {@link PackedInputs.write}.
   */
  feed(packed: PackedRows, weights?: Float32Array, draw?: number): void {
    const { rows, targets } = packed;
    this.#inputs.write(packed, draw);
    const { capacity } = this;
    const padded = new Uint32Array(capacity).fill(NO_ROW);
    padded.set(rows);
    const label = new Uint32Array(capacity);
    label.set(targets);
    this.compiled.write("rows", padded);
    this.compiled.write("label", label);
    const weight = new Float32Array(capacity);
    if (weights) weight.set(weights);
    else weight.fill(1, 0, rows.length);
    this.compiled.write("weight", weight);
    this.#gates = Math.max(1, Math.ceil(rows.length / this.#chunk)); // the first also clears the head's gradient
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
