/**
 * The scores of documents under the model that is trained.
 *
 * @module
 */
import { type Batch, batch, type Example, pack, packedLength } from "../../data/mod.ts";
import type { Queued } from "../../eval/documents.ts";
import { type Arrival, Ring } from "../../gpu/ring.ts";
import type { ScoreProgram } from "../../models/score_program.ts";
import { heed } from "../../stop.ts";
import type { ScoredRow } from "./loss.ts";

/** Replays that may be under way. */
const UNDER_WAY = 8;

/** Submits micro-batches of examples; their scores follow, batch by batch, row by row. */
export async function queueScores(
  program: ScoreProgram,
  batches: readonly Batch[],
  at: (example: number) => Example,
): Promise<Queued<ScoredRow[][]>> {
  const { compiled } = program;
  const slice = compiled.output("scores");
  const slots = Math.max(1, Math.min(batches.length, UNDER_WAY));
  const ring = new Ring<number>(compiled.engine.device, slice.size / 4, { slots });
  const found: ScoredRow[][] = [];
  const take = (arrivals: readonly Arrival<number>[]) => {
    for (const { tag, values } of arrivals) {
      found[tag] = rowsOf(batches[tag]!, program.scoresIn(batches[tag]!, values), at);
    }
  };
  try {
    for (const [i, packed] of batches.entries()) {
      heed();
      await ring.freeSlot();
      program.feed(packed);
      program.run((encoder) => ring.load(encoder, [slice]));
      ring.send(i);
      take(ring.arrived());
    }
  } catch (fault) {
    ring.destroy();
    throw fault;
  }
  const result = ring.drain().then(take).finally(() => ring.destroy()).then(() => found);
  result.catch(() => {}); // whoever awaits it hears of a fault; until then it is nobody's
  return { result };
}

/** Submits examples as the model is now; their scores follow in the order given. */
export async function queueExamples(
  program: ScoreProgram,
  examples: readonly Example[],
): Promise<Queued<ScoredRow[]>> {
  const rows = pack(examples.map(packedLength), program.T);
  const batches = rows.map((chosen) => batch(examples, program.T, chosen));
  const { result } = await queueScores(program, batches, (example) => examples[example]!);
  return {
    result: result.then((found) => {
      const inOrder: ScoredRow[] = [];
      for (const [i, chosen] of rows.entries()) {
        for (const [k, example] of chosen.entries()) inOrder[example] = found[i]![k]!;
      }
      return inOrder;
    }),
  };
}

/** The documents of one example stand one after the other. */
function rowsOf(
  { documents }: Batch,
  scores: readonly Float32Array[],
  at: (example: number) => Example,
): ScoredRow[] {
  const rows: { example: Example; scores: Float32Array[] }[] = [];
  for (const [i, { example, isNext }] of documents.entries()) {
    if (isNext) rows.at(-1)!.scores.push(scores[i]!);
    else rows.push({ example: at(example), scores: [scores[i]!] });
  }
  return rows;
}
