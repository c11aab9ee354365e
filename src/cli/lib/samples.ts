/**
 * What a run has changed, to be seen: the base and the tuned model answer the same rows.
 *
 * @module
 */
import {
  type Document,
  encode,
  faultNames,
  hasTemplate,
  readDocuments,
  rowTokenizer,
  sidesOf,
} from "../../data/mod.ts";
import { Generator } from "../../inference/generator.ts";
import { openModel } from "../../inference/open.ts";
import { promptLength } from "../../inference/samples.ts";
import { openTuned } from "../../tune/cache.ts";
import { permutation, reservoirSample } from "../../random.ts";
import type { Config } from "../../config/mod.ts";
import { fetchFolder } from "./hub.ts";
import { answer, bold, dim } from "./term.ts";

/** Rows from which the few are chosen whose prompts have room. */
const MOST_ROWS = 1024;

/** One row with what it should be answered, and what base and tuned model answer. */
interface Sample {
  readonly prompt: string;
  readonly wanted: string;
  readonly base: string;
  readonly tuned: string;
}

/** Lets base and tuned model answer some rows of `eval.data`, or of the training data, and shows it. */
export async function showSamples(config: Config, adapter: string): Promise<void> {
  for (const { prompt, wanted, base, tuned } of await samples(config, adapter)) {
    const line = (name: string, text: string) =>
      `${name.padEnd(7)} ${text.trim().replaceAll("\n", " / ")}`;
    answer("");
    answer(bold(line("prompt", prompt)));
    answer(dim(line("wanted", wanted)));
    answer(line("base", base));
    answer(line("tuned", tuned));
  }
}

async function samples(config: Config, adapter: string): Promise<Sample[]> {
  const { eval: { data, samples: count, sample_tokens: maxTokens }, train: { seed } } = config;
  if (count === 0) return [];
  const entries = data.length > 0 ? data : config.data;
  const folder = await fetchFolder(config.model, "model");
  using device = await openTuned();
  using open = openModel(device, folder, adapter, config);
  const { engine, model, adapt } = open;
  const tokenizer = rowTokenizer(model);
  const documents = documentsOf(entries, hasTemplate(tokenizer));
  const { items: rows } = await reservoirSample(documents, MOST_ROWS, seed);
  const chosen: { readonly prompt: number[]; readonly wanted: readonly number[] }[] = [];
  for (const i of permutation(rows.length, seed)) {
    if (chosen.length === count) break;
    const example = encode(rows[i]!, tokenizer, faultNames);
    const { ids } = sidesOf(example)[0]!;
    const length = promptLength(example);
    if (length < 2 || length >= model.config.context) continue;
    const wanted = [...ids.subarray(length)];
    chosen.push({ prompt: [...ids.subarray(0, length)], wanted });
  }
  const longest = Math.max(0, ...chosen.map(({ prompt: { length } }) => length));
  const context = Math.min(model.config.context, longest + maxTokens);
  using base = await Generator.open(engine, model, { context });
  using tuned = await Generator.open(engine, model, { context, adapt });
  const found: Sample[] = [];
  for (const { prompt, wanted } of chosen) {
    const complete = async (generator: Generator) =>
      model.tokenizer.decode(
        await Array.fromAsync(generator.generate(prompt, { maxTokens })),
      );
    found.push({
      prompt: model.tokenizer.decode(prompt),
      wanted: model.tokenizer.decode(wanted),
      base: await complete(base),
      tuned: await complete(tuned),
    });
  }
  return found;
}

/** The rows of several sources, as documents, one at a time. */
async function* documentsOf(
  entries: Config["data"],
  hasChats: boolean,
): AsyncGenerator<Document> {
  for (const entry of entries) yield* readDocuments(entry, undefined, hasChats);
}
