/**
 * Quality: which few rows teach most, and does the report on rows tell before? (LIMA, Zhou et al. 2023,
 * 2305.11206; Zhao et al. 2024, 2402.04833; Li et al. 2023, 2308.12032.)
 *
 * @module
 */
import { diversity, type RowText } from "../../curate/mod.ts";
import { words } from "../../curate/words.ts";
import type { Cell, Place, Study } from "../engine/study.ts";
import { chosenEntry, entryOfRows, rowTextsOf } from "../trials/rows.ts";
import { mean } from "../trials/scores.ts";
import { askedMetrics } from "../trials/spec.ts";
import { trialCell, type Tried, type Values } from "../trials/trial.ts";
import { chooseRows } from "./choose.ts";
import { concludeQuality } from "./conclude.ts";
import { rowDifficulties } from "./difficulty.ts";
import { BASE, cellName, DIFFICULTY, qualitySchema, type QualitySpec, type Way } from "./spec.ts";

/** What is known of the rows of a cell before they are trained on. */
export type Chosen = {
  readonly rows: number;
  /** Different verbs with their objects, a row. */
  readonly verb_objects: number;
  /** Different pairs of words over all pairs, in the answers. */
  readonly distinct_2: number;
  /** Mean ROUGE-L of what a row asks with the nearest other, from the report's tenths. */
  readonly nearest_rouge_l: number;
  readonly difficulty: number;
  /** Words of an answer. */
  readonly answer_words: number;
};

/** What a cell comes to: of the base, of chosen rows, or the difficulty of all. */
export type QualityResult =
  | { readonly difficulty: readonly (number | null)[] }
  | (Tried & { readonly chosen?: Chosen });

/** The study. */
export const quality: Study<QualitySpec, QualityResult> = {
  name: "quality",
  summary:
    "N rows by selection, diversity, difficulty and at random: does the report predict the gain?",
  schema: qualitySchema,
  async plan(spec, place) {
    const { run, sizes, ways, seeds } = spec;
    const pool = await chosenEntry(spec.data, { count: spec.rows }, place);
    const rows = await rowTextsOf(pool, place);
    const tasks = spec.tasks.map((task) => ({ ...askedMetrics(spec.metrics), ...task }));
    const of = { spec, place, pool, rows, tasks };
    const cells: Cell<QualityResult>[] = [
      trialCell({ name: BASE, run, data: null, seed: 0, tasks }, place),
      {
        name: DIFFICULTY,
        run: async (context) => ({
          difficulty: await rowDifficulties(rows, { run, data: pool }, place, context),
        }),
      },
    ];
    for (const seed of seeds) {
      for (const size of sizes) {
        for (const way of ways) cells.push(chosenCell(of, way, size, seed));
      }
    }
    return cells;
  },
  conclude: (spec, results) => Promise.resolve(concludeQuality(spec, results)),
};

/** The rows that may be chosen, and what a trial has beside them. */
interface Pool {
  readonly spec: QualitySpec;
  readonly place: Place;
  readonly pool: Values;
  readonly rows: readonly RowText[];
  readonly tasks: readonly Values[];
}

function chosenCell(
  { spec: { run }, place, pool, rows, tasks }: Pool,
  way: Way,
  count: number,
  seed: number,
): Cell<QualityResult> {
  const name = cellName(way, count, seed);
  return {
    name,
    after: [DIFFICULTY],
    run: async (context) => {
      const { difficulty } = context.found(DIFFICULTY) as { difficulty: (number | null)[] };
      const chosen = await chooseRows(rows, way, { count, seed, difficulty });
      const data = [entryOfRows(pool, chosen, name, place)];
      const tried = await trialCell({ name, run, data, seed, tasks }, place).run(context);
      return { ...tried, chosen: describe(chosen, rows, difficulty) };
    },
  };
}

function describe(
  chosen: readonly RowText[],
  all: readonly RowText[],
  difficulty: readonly (number | null)[],
): Chosen {
  const report = diversity(chosen);
  const found = new Map(all.map(({ origin }, i) => [origin, difficulty[i]!]));
  const known = chosen.flatMap(({ origin }) => found.get(origin) ?? []);
  const tenths = report.nearest_rouge_l.map((count, i) => count * (i + 0.5) / 10);
  return {
    rows: chosen.length,
    verb_objects: report.verb_objects / chosen.length,
    distinct_2: report.distinct[1]!,
    nearest_rouge_l: tenths.reduce((sum, of) => sum + of, 0) / report.nearest_sample,
    difficulty: mean(known),
    answer_words: mean(chosen.map(({ answer }) => words(answer).length)),
  };
}
