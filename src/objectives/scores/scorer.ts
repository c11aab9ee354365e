/**
 * The scores of documents under the model that is trained.
 *
 * @module
 */
import { type Batch, batch, type Example, pack, packedLength } from "../../data/mod.ts";
import { type Queued, queueReplays } from "../../eval/replays.ts";
import type { ScoreProgram } from "../../models/score_program.ts";
import type { ScoredRow } from "./loss.ts";

/** Submits micro-batches of examples; their scores follow, batch by batch, row by row. */
export async function queueScores(
  program: ScoreProgram,
  batches: readonly Batch[],
  at: (example: number) => Example,
): Promise<Queued<ScoredRow[][]>> {
  const { result } = await queueReplays(
    {
      compiled: program.compiled,
      feed: (packed) => program.feed(packed),
      run: (after) => program.run(after),
    },
    batches,
    {
      slice: program.compiled.output("scores"),
      count: ({ documents }) => documents.length * program.width,
    },
  );
  const found = result.then((numbers) =>
    batches.map((packed, i) => rowsOf(packed, program.scoresIn(packed, numbers[i]!), at))
  );
  found.catch(() => {}); // as in queueReplays()
  return { result: found };
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
