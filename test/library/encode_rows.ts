/** What a run in another project does with its rows; a file of its own, so that it is checked here. */
import { join } from "node:path";
import { Dataset, rowTokenizer } from "../../src/data/mod.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";

/** Has two workers encode the quickstart's rows, and returns how many there are. */
export async function encodeRows(quickstart: string): Promise<number> {
  const folder = join(quickstart, "base");
  const tokenizer = rowTokenizer({ tokenizer: loadTokenizer(folder), folder });
  const entry = { path: join(quickstart, "instructions.jsonl"), template: "plain" };
  const options = { maxTokens: 128, workers: 2 };
  await using rows = await Dataset.read([entry], { tokenizer, folder }, options);
  rows.foresee(Uint32Array.from({ length: rows.length }, (_, row) => row));
  await rows.finished();
  return rows.encoded;
}
