/**
 * Exemplars before a question, from the same file and never the question itself.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import type { RowRng } from "../row_rng.ts";
import { asked, type Exchange } from "../content.ts";

/** Which rows have exemplars in their prompt, and how many. */
export interface FewShotSettings {
  /** Of the rows, 0 to 1. */
  readonly share: number;
  /** Exemplars of such a row. */
  readonly shots: number;
  /** Where given, from so many to `shots` of them, sampled for each row. */
  readonly least?: number;
}

/** What stands after each exemplar, as `FewShotPattern` of google-research/FLAN has it by default. */
export const EXEMPLAR_SEPARATOR = "\n\n\n";

/** Exemplars are sampled from about so many rows around the row, so that a file is never held whole. */
const BLOCK = 1024;

/** How many exemplars a row has. */
export function sampleShots(settings: FewShotSettings | undefined, rng: RowRng): number {
  if (settings === undefined || rng.uniform() >= settings.share) return 0;
  const { shots, least = shots } = settings;
  if (least <= shots) return least + rng.below(shots - least + 1);
  throw new ConfigError(`Found few_shot.least ${least}, wanted few_shot.shots (${shots}) at most`);
}

/**
 * Samples exemplars from a block: as many as wanted, or as it has, that differ from the question and
 * from one another.
 *
 * @param take what another item of the block comes to; null where that is nothing.
 */
export function sampleExemplars<Item>(
  block: readonly Item[],
  question: { readonly item: Item; readonly exchange: Exchange },
  { shots, rng }: { readonly shots: number; readonly rng: RowRng },
  take: (item: Item) => Exchange | null,
): Exchange[] {
  const seen = new Set([asked(question.exchange)]);
  const exemplars: Exchange[] = [];
  if (shots === 0) return exemplars;
  for (const i of rng.shuffled(block.length)) {
    const exchange = block[i] === question.item ? null : take(block[i]!);
    if (exchange === null || seen.has(asked(exchange))) continue;
    seen.add(asked(exchange));
    if (exemplars.push(exchange) === shots) break;
  }
  return exemplars;
}

/** Items in blocks of one file each, none small unless the file is. */
export async function* blocksOf<Item extends { readonly file: string }>(
  items: AsyncIterable<Item> | Iterable<Item>,
): AsyncGenerator<Item[]> {
  let gathered: Item[] = [];
  for await (const item of items) {
    if (gathered.length > 0 && gathered[0]!.file !== item.file) {
      yield gathered;
      gathered = [];
    }
    gathered.push(item);
    if (gathered.length === 2 * BLOCK) yield gathered.splice(0, BLOCK);
  }
  if (gathered.length > 0) yield gathered;
}
