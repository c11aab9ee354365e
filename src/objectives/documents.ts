/**
 * Which documents a run has used, and for what: known by hashes of their token ids.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Example, Examples, RowTokenizer } from "../data/mod.ts";
import { permutation } from "../random.ts";

/** What documents are used for: `compare` are rows that choices are compared by. */
export const DOCUMENT_USES = ["train", "compare", "control", "certificate", "probe"] as const;
/** One of those. */
export type DocumentUse = typeof DOCUMENT_USES[number];

/** Hashes of documents by what they were used for. */
export type DocumentHashes = Readonly<Record<DocumentUse, readonly string[]>>;

/** What an adapter has been made with. */
export interface SeenDocuments {
  /** Whether these are all; not where it began from an adapter of which nothing is known. */
  readonly complete: boolean;
  readonly hashes: DocumentHashes;
}

/** What a fresh adapter has seen. */
export const NOTHING_SEEN: SeenDocuments = {
  complete: true,
  hashes: { train: [], compare: [], control: [], certificate: [], probe: [] },
};

/** What an adapter from elsewhere has seen. */
export const UNKNOWN_SEEN: SeenDocuments = { ...NOTHING_SEEN, complete: false };

/** What several have seen together, each document once. */
export function seenTogether(all: readonly SeenDocuments[]): SeenDocuments {
  const of = (use: DocumentUse) => [...new Set(all.flatMap(({ hashes }) => hashes[use]))];
  const hashes = Object.fromEntries(DOCUMENT_USES.map((use) => [use, of(use)]));
  return {
    complete: all.every(({ complete }) => complete),
    hashes: hashes as unknown as DocumentHashes,
  };
}

/** 64 bits of SHA-256 over the ids of a document, without the tokens that begin and end one. */
export function documentHash({ ids }: Example, { bos, eos }: RowTokenizer): string {
  const begin = bos !== null && ids[0] === bos ? 1 : 0;
  const end = eos !== null && ids.length > begin && ids.at(-1) === eos
    ? ids.length - 1
    : ids.length;
  return createHash("sha256").update(ids.slice(begin, end)).digest("hex").slice(0, 16);
}

/** Rows of a larger task that are compared, drawn at random: two megabytes of text take a second. */
const COMPARED = 50_000;

/** Which rows of a task are compared with other text. */
export const comparedRows = ({ length }: Examples, seed: number): Uint32Array =>
  length <= COMPARED
    ? Uint32Array.from(Array(length).keys())
    : permutation(length, seed).subarray(0, COMPARED);
