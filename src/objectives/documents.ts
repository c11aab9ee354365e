/**
 * Which documents a run has used, and for what: known by hashes of their token ids.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { jaccardIndex, sketchOf } from "../curate/minhash.ts";
import type { Example, Examples, RowTokenizer } from "../data/mod.ts";
import { hash, permutation } from "../random.ts";

/** What documents are used for: `compare` are rows that choices are compared by. */
export const DOCUMENT_USES = ["train", "compare", "control", "certificate", "probe"] as const;
/** One of those. */
export type DocumentUse = typeof DOCUMENT_USES[number];

/** Hashes of documents by what they were used for. */
export type DocumentHashes = Readonly<Record<DocumentUse, readonly string[]>>;

/** Documents that something is made with. */
export interface UsedDocuments {
  readonly hashes: DocumentHashes;
  /** Sketches of what is trained on or compared by, by which near duplicates of it are found. */
  readonly sketches: readonly string[];
}

/** What an adapter has been made with. */
export interface SeenDocuments extends UsedDocuments {
  /** Whether these are all; not where it began from an adapter of which nothing is known. */
  readonly complete: boolean;
  /** Whether there are sketches of all that was trained on: not of very many rows, or of older runs. */
  readonly sketched: boolean;
}

/** What a fresh adapter has seen. */
export const NOTHING_SEEN: SeenDocuments = {
  complete: true,
  sketched: true,
  sketches: [],
  hashes: { train: [], compare: [], control: [], certificate: [], probe: [] },
};

/** What an adapter from elsewhere has seen. */
export const UNKNOWN_SEEN: SeenDocuments = {
  ...NOTHING_SEEN,
  complete: false,
  sketched: false,
};

/** What several have seen together, each document once. */
export function seenTogether(all: readonly SeenDocuments[]): SeenDocuments {
  const of = (use: DocumentUse) => [...new Set(all.flatMap(({ hashes }) => hashes[use]))];
  const hashes = Object.fromEntries(DOCUMENT_USES.map((use) => [use, of(use)]));
  return {
    complete: all.every(({ complete }) => complete),
    sketched: all.every(({ sketched }) => sketched),
    sketches: [...new Set(all.flatMap(({ sketches }) => sketches))],
    hashes: hashes as unknown as DocumentHashes,
  };
}

/** 64 bits of SHA-256 over the ids of a document, without the tokens that begin and end one. */
export const documentHash = (document: Example, tokenizer: RowTokenizer): string =>
  createHash("sha256").update(innerIds(document, tokenizer)).digest("hex").slice(0, 16);

/** The ids of a document without the tokens that begin and end one. */
function innerIds({ ids }: Example, { bos, eos, virtual = [] }: RowTokenizer) {
  const before = virtual.length;
  const begin = bos !== null && ids[before] === bos ? before + 1 : before;
  const end = eos !== null && ids.length > begin && ids.at(-1) === eos
    ? ids.length - 1
    : ids.length;
  return ids.slice(begin, end);
}

/** Tokens of a run by which sketches compare documents: as many as words of near duplicates. */
const SHINGLE = 5;

/** 256 bits of a document's runs of tokens, in base64: those of near duplicates agree in most. */
export function documentSketch(document: Example, tokenizer: RowTokenizer): string {
  const ids = innerIds(document, tokenizer);
  const runs = Uint32Array.from(
    { length: Math.max(1, ids.length - SHINGLE + 1) },
    (_, i) => hash(0, ids.subarray(i, i + SHINGLE)),
  );
  return new Uint8Array(sketchOf(runs).buffer).toBase64({ omitPadding: true });
}

/**
 * The least Jaccard index that sketches of near duplicates suggest. Of pairs whose runs of tokens have
 * one of 0.8, from which on texts count as near duplicates elsewhere, 94 % reach it, and all but 3 in a
 * million at 0.9; of pairs at 0.6 one in 200, at 0.5 one in 100,000.
 */
const NEARLY = 0.73;

/** Whether a document nearly repeats one of those that were sketched. */
export function nearlyRepeats(
  sketches: readonly string[],
): (document: Example, tokenizer: RowTokenizer) => boolean {
  const known = sketches.map(bitsOfSketch);
  return (document, tokenizer) => {
    if (known.length === 0) return false;
    const own = bitsOfSketch(documentSketch(document, tokenizer));
    return known.some((other) => jaccardIndex(own, other) >= NEARLY);
  };
}

const bitsOfSketch = (sketch: string): Uint32Array =>
  new Uint32Array(Uint8Array.fromBase64(sketch).buffer);

/** Rows of a larger task that are compared, drawn at random: two megabytes of text take a second. */
const COMPARED = 50_000;

/** Which rows of a task are compared with other text. */
export const comparedRows = ({ length }: Examples, seed: number): Uint32Array =>
  length <= COMPARED
    ? Uint32Array.from(Array(length).keys())
    : permutation(length, seed).subarray(0, COMPARED);
