/**
 * What a run has made its adapter with.
 *
 * @module
 */
import { rowTokenizer } from "../data/mod.ts";
import {
  comparedRows,
  documentHash,
  documentSketch,
  NOTHING_SEEN,
  type SeenDocuments,
  seenTogether,
} from "../objectives/documents.ts";
import { writeDocuments } from "../runs/documents.ts";
import type { Session } from "./session.ts";

/** Leaves in the folder of a run what it has made its adapter with. */
export const leaveDocuments = (session: Session, folder: string): void =>
  writeDocuments(folder, documentsOf(session));

/** Every row that is trained on, what the parts of the run use, and what came with the adapter. */
function documentsOf(
  { rows, model, parts, seen, config: { train: { seed } } }: Session,
): SeenDocuments {
  const tokenizer = rowTokenizer(model);
  const train: string[] = [];
  for (let i = 0; i < rows.examples.length; i++) {
    const row = rows.examples.at(i)!;
    if (row.ids.length > 0) train.push(documentHash(row, tokenizer)); // one left out has none
  }
  const sketches: string[] = [];
  const compared = comparedRows(rows.examples, seed);
  for (const i of compared) {
    const row = rows.examples.at(i)!;
    if (row.ids.length > 0) sketches.push(documentSketch(row, tokenizer));
  }
  const own = parts.flatMap(({ documents }) =>
    documents ? [{ ...NOTHING_SEEN, ...documents }] : []
  );
  return seenTogether([
    seen,
    {
      ...NOTHING_SEEN,
      ...{ sketches, sketched: compared.length === rows.examples.length },
      hashes: { ...NOTHING_SEEN.hashes, train },
    },
    ...own,
  ]);
}
