/**
 * The programs of policy and values, over one trunk: the adapter's, with a head of one score beside that of
 * the next token.
 *
 * @module
 */
import { type Batch, batch, type Example, pack, packedLength } from "../../data/mod.ts";
import { queueDocuments } from "../../eval/documents.ts";
import { readFloats } from "../../gpu/buffer.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import type { ScoreProgram } from "../../models/score_program.ts";
import { rowsScored } from "../../models/value_rows.ts";
import type { Replay } from "../../objectives/objective.ts";
import { KL_STATS } from "../../ops/mod.ts";

/** Where linearKl()'s numbers of a row have the label's nats under base and tuned model. */
const [BASE, TUNED] = [1, 2];

/** Programs that train, and those that only go forward. */
export interface PolicyAndValues {
  readonly policy: LossProgram;
  readonly values: ScoreProgram;
  readonly likelihoods: LossProgram;
  readonly expected: ScoreProgram;
}

/** What is known of the tokens of an answer. */
export interface TokensMeasured {
  readonly tuned: Float64Array; // [tokens]
  readonly base: Float64Array; // [tokens]
  readonly values: Float64Array; // [tokens]
}

/** Likelihoods and values of the answers of examples, as the model is. A sync point. */
export async function measured(
  { likelihoods, expected }: PolicyAndValues,
  examples: readonly Example[],
): Promise<TokensMeasured[]> {
  const { result } = await queueDocuments(likelihoods, examples, "stats");
  const values: Float64Array[] = [];
  for (const packed of packedInto(expected.T, examples)) {
    const rows = rowsScored(packed);
    expected.feed(rows);
    expected.run();
    const { compiled } = expected;
    const all = await readFloats(compiled.engine.device, compiled.output("scores"));
    const found = expected.scoresIn(rows, all).map(([value]) => value!);
    for (const { example, rowBegin, rowEnd } of packed.documents) {
      values[example] = Float64Array.from(found.slice(rowBegin, rowEnd));
    }
  }
  return (await result).map((stats, i) => {
    const nats = (which: number) =>
      Float64Array.from(values[i]!, (_, t) => -stats[t * KL_STATS + which]!);
    return { tuned: nats(TUNED!), base: nats(BASE!), values: values[i]! };
  });
}

/** Examples as packed micro-batches. */
export const packedInto = (T: number, examples: readonly Example[]): Batch[] =>
  pack(examples.map(packedLength), T).map((chosen) => batch(examples, T, chosen));

/** A replay in which the value before each supervised token counts what it is given. */
export function valuesReplay(program: ScoreProgram, packed: Batch, weights: Float32Array): Replay {
  const rows = rowsScored({ ...packed, documents: [] } as Batch);
  const each = Array.from(weights, (weight) => [weight]);
  return {
    ...{ tokens: packed.used, supervised: 0, losses: program.compiled.output("scores") },
    run(draw, after) {
      program.feed(rows, each, draw);
      program.run(after);
    },
    evidence: {
      examples: [],
      firstNonFinite(draw) {
        program.feed(rows, each, draw);
        return program.firstNonFinite();
      },
    },
  };
}
