/**
 * What distillation minimises: the mean divergence of a token of the answers of an update.
 *
 * @module
 */
import { type Batch, batch, type Example, pack, packedLength } from "../../data/mod.ts";
import { type Queued, queueDocuments } from "../../eval/documents.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import type { ForwardFirst } from "../../objectives/forward_first.ts";
import type { Fields } from "../../objectives/objective.ts";
import { rowsReplay } from "../../objectives/rows_replay.ts";
import { tokenWeights } from "../../objectives/sft.ts";
import { KL_STATS } from "../../ops/mod.ts";
import type { AnswerMix } from "./answers.ts";

/** What gives the answers of updates, and what frees it. */
export interface Mixing {
  readonly of: AnswerMix["of"];
  readonly answers: Pick<AnswerMix, "count" | typeof Symbol.dispose>;
}

/** What is known of an update before its losses are. */
interface PlannedUpdate {
  readonly batches: readonly Batch[];
  readonly fields: Fields;
}

/** The divergence from a teacher on answers. */
export class Distillation implements ForwardFirst {
  readonly #planned = new Map<number, PlannedUpdate>();
  /** Tokens that updates have processed, those of prompts too. */
  tokens = 0;

  constructor(
    private readonly programs: Record<"program" | "forward", LossProgram>,
    private readonly mixing: Mixing,
  ) {}

  /** An answer at least is in each of them. */
  get count(): number {
    return this.mixing.answers.count;
  }

  get capacity(): number {
    return this.programs.program.capacity;
  }

  async plan(step: number) {
    const { program } = this.programs;
    const { examples, drawn } = await this.mixing.of(step);
    const rows = pack(examples.map(packedLength), program.T);
    const batches = rows.map((chosen) => batch(examples, program.T, chosen));
    const supervised = batches.reduce((sum, { supervised }) => sum + supervised, 0);
    this.tokens += batches.reduce((sum, { used }) => sum + used, 0);
    const answered = examples.length;
    const fields = {
      supervised,
      on_policy: drawn / answered,
      answer_tokens: supervised / answered,
    };
    this.#planned.set(step, { batches, fields });
    const weights = tokenWeights(batches);
    return batches.map((packed, i) =>
      rowsReplay(program, { ...packed, documents: [] }, weights[i]!)
    );
  }

  observe(step: number, losses: readonly Float32Array[]) {
    const { batches, fields } = this.#planned.get(step)!;
    this.#planned.delete(step);
    let loss = 0;
    for (const [i, { supervised }] of batches.entries()) {
      for (let row = 0; row < supervised; row++) loss += losses[i]![row]!;
    }
    return { minimised: loss, fields: { loss, ...fields } };
  }

  /** Submits a measurement of the answers of rows. */
  async queue(examples: readonly Example[]): Promise<Queued<Fields>> {
    const { result } = await queueDocuments(this.programs.forward, examples, "stats");
    return {
      result: result.then((found) => {
        let [sum, tokens] = [0, 0];
        for (const stats of found) {
          for (let at = 0; at < stats.length; at += KL_STATS) sum += stats[at]!;
          tokens += stats.length / KL_STATS;
        }
        return { loss: sum / tokens };
      }),
    };
  }

  close(): void {
    this.programs.program.compiled.destroy();
    this.programs.forward.compiled.destroy();
    this.mixing.answers[Symbol.dispose]();
  }
}
