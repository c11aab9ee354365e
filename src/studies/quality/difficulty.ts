/**
 * How hard each row is for the base.
 *
 * @module
 */
import { parseConfig } from "../../config/mod.ts";
import type { RowText } from "../../curate/mod.ts";
import { loadExamples, packedLength, rowTokenizer } from "../../data/mod.ts";
import { difficulties } from "../../eval/difficulty.ts";
import { openModel } from "../../inference/open.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { resolveModel } from "../../train/resolve_model.ts";
import type { CellContext, Place } from "../engine/study.ts";
import type { Values } from "../trials/trial.ts";

/** Tokens that are measured at once at least. */
const LEAST_ROWS = 256;

/**
 * The difficulty of each of the rows of an entry; null where a row does not fit into the context, or
 * has nothing to measure.
 */
export async function rowDifficulties(
  rows: readonly RowText[],
  { run, data }: { readonly run: Values; readonly data: Values },
  { folder }: Place,
  { device, say }: CellContext,
): Promise<(number | null)[]> {
  const parsed = parseConfig({ folder, values: { guard: false, ...run, data: [data] } });
  const { model: place } = await resolveModel(parsed, { say });
  const { quantize, data: [entry] } = parsed.config;
  using open = openModel(device, place, undefined, { ...(quantize && { quantize }) });
  const { engine, model } = open;
  const tokenizer = rowTokenizer(model);
  const { examples: list } = await loadExamples({ ...entry!, on_empty: "drop" }, tokenizer, {
    maxTokens: model.config.context,
  });
  const examples = [...list];
  const longest = examples.reduce((most, example) => Math.max(most, packedLength(example)), 0);
  const T = Math.ceil(Math.max(longest + 1, LEAST_ROWS) / 8) * 8;
  const program = await LossProgram.open(engine, model, { T });
  try {
    const found = await difficulties(program, examples, tokenizer.bos);
    const byOrigin = new Map(examples.map(({ origin }, i) => [origin, found[i]!]));
    return rows.map(({ origin }) => byOrigin.get(origin) ?? null);
  } finally {
    program.compiled.destroy();
  }
}
