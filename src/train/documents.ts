/**
 * What a run has made its adapter with.
 *
 * @module
 */
import { rowTokenizer } from "../data/mod.ts";
import {
  documentHash,
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
function documentsOf({ rows, model, parts, seen }: Session): SeenDocuments {
  const tokenizer = rowTokenizer(model);
  const train: string[] = [];
  for (let i = 0; i < rows.examples.length; i++) {
    const row = rows.examples.at(i)!;
    if (row.ids.length > 0) train.push(documentHash(row, tokenizer)); // one left out has none
  }
  const own = parts.flatMap(({ documents }) =>
    documents ? [{ ...NOTHING_SEEN, hashes: documents }] : []
  );
  return seenTogether([
    seen,
    { ...NOTHING_SEEN, hashes: { ...NOTHING_SEEN.hashes, train } },
    ...own,
  ]);
}
