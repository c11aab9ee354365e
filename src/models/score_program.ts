/**
 * The scores of packed documents, recorded once and replayed for each micro-batch.
 *
 * @module
 */
import type { Dispatch, ReplayOptions } from "../gpu/program.ts";
import type { Compiled, Engine } from "../graph/compile.ts";
import type { Planned } from "../graph/planned.ts";
import { supervisedCapacity } from "../ops/mod.ts";
import { NO_ROW } from "./loss_program.ts";
import type { LossGraphOptions, Model } from "./model.ts";
import { type PackedDocuments, PackedInputs } from "./packed_inputs.ts";

/** A packed micro-batch of documents that are scored at their last tokens. */
export interface ScoredRows extends PackedDocuments {
  readonly documents: readonly { readonly begin: number; readonly length: number }[];
}

/** A compiled score graph that takes micro-batches. */
export class ScoreProgram {
  /** Documents that a micro-batch is padded to. */
  readonly capacity: number;
  /** Numbers that there are of a document: its scores, and zeros up to a multiple of 4. */
  readonly width: number;
  readonly #inputs: PackedInputs;

  private constructor(
    readonly compiled: Compiled,
    readonly T: number,
    inputs: PackedInputs,
    readonly scores: number,
  ) {
    this.capacity = supervisedCapacity(T);
    this.width = compiled.output("scores").size / 4 / this.capacity;
    this.#inputs = inputs;
  }

  /** Builds the graph and plans its memory. */
  static plan(
    engine: Engine,
    model: Model,
    options: Omit<LossGraphOptions, "loss" | "full">,
  ): Planned<ScoreProgram> {
    const built = model.scoreGraph(engine, options);
    const { T } = options;
    return model.plan(engine, built).as((compiled) =>
      new ScoreProgram(compiled, T, new PackedInputs(compiled, T, built.graph, model), model.scores)
    );
  }

  /** Plans, loads and records. */
  static open(
    engine: Engine,
    model: Model,
    options: Omit<LossGraphOptions, "loss" | "full">,
  ): Promise<ScoreProgram> {
    return ScoreProgram.plan(engine, model, options).open();
  }

  /**
   * Writes a micro-batch. `weights` is what each score of each document counts, [documents, scores];
   * nothing where absent.
   *
   * @throws {RangeError} as {@link PackedInputs.write}.
   */
  feed(packed: ScoredRows, weights: readonly ArrayLike<number>[] = [], draw?: number): void {
    this.#inputs.write(packed, draw);
    const rows = new Uint32Array(this.capacity).fill(NO_ROW);
    for (const [i, { begin, length }] of packed.documents.entries()) rows[i] = begin + length - 1;
    this.compiled.write("rows", rows);
    const weight = new Float32Array(this.capacity * this.width);
    for (const [i, scores] of weights.entries()) weight.set(scores, i * this.width);
    this.compiled.write("weight", weight);
  }

  /** Replays for the micro-batch that was fed, without waiting. */
  run(after?: ReplayOptions["after"]): void {
    this.compiled.program.replay(after ? { after } : {});
  }

  /** {@link run} with a look at what each dispatch has written. A sync point. */
  firstNonFinite(): Promise<Dispatch | null> {
    const { program, engine: { pipelines } } = this.compiled;
    return program.firstNonFinite(pipelines);
  }

  /** The scores of each document, of the numbers that a replay leaves. */
  scoresIn({ documents }: Pick<ScoredRows, "documents">, values: Float32Array): Float32Array[] {
    return documents.map((_, i) => values.slice(i * this.width, i * this.width + this.scores));
  }
}
