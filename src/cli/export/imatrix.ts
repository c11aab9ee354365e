/**
 * The importance matrix of an export: a file of `llama-imatrix`, or taken from text.
 *
 * @module
 */
import { basename } from "node:path";
import { type Document, encode, type Example, rowTokenizer } from "../../data/mod.ts";
import { inputSquares } from "../../eval/input_squares.ts";
import {
  type ImportanceMatrix,
  importanceOf,
  readImportance,
} from "../../export/gguf/importance.ts";
import { blocksOf, readRetention } from "../../forgetting/text/retention.ts";
import type { Device } from "../../gpu/device.ts";
import { openModel } from "../../inference/open.ts";
import { architectureOf } from "../../io/gguf/architectures.ts";
import { isGguf } from "../../io/model_files.ts";
import {
  documentHash,
  documentSketch,
  NOTHING_SEEN,
  type SeenDocuments,
} from "../../objectives/documents.ts";
import { say } from "../lib/term.ts";

/** The most tokens of a block that is read at once. */
const BLOCK = 512;

/** What `--imatrix` names. */
export type ImatrixSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "text"; readonly paths: readonly string[] };

/** One GGUF file, or files of text. */
export const imatrixSource = (flag: string): ImatrixSource =>
  isGguf(flag) ? { kind: "file", path: flag } : { kind: "text", paths: flag.split(",") };

/** Reads a file of `llama-imatrix`. */
export const importanceFile = (path: string) => ({ matrix: readImportance(path), file: path });

/** Blocks that a matrix is taken from. */
export interface ImatrixText {
  readonly blocks: readonly Example[];
  /** The documents, which certify nothing any more. */
  readonly seen: SeenDocuments;
}

/** The documents of some files as the base reads them. */
export async function imatrixText(
  device: Device,
  base: string,
  paths: readonly string[],
): Promise<ImatrixText> {
  using open = openModel(device, base);
  const { model } = open;
  const tokenizer = rowTokenizer(model);
  const documents = [...(await readRetention(paths, { say })).values()].flat()
    .map((document: Document) => encode(document, tokenizer));
  const tokens = Math.min(BLOCK, model.config.context);
  return {
    blocks: documents.flatMap((document) => blocksOf(document, tokens, tokenizer.bos)),
    seen: {
      ...NOTHING_SEEN,
      sketches: documents.map((document) => documentSketch(document, tokenizer)),
      hashes: {
        ...NOTHING_SEEN.hashes,
        train: documents.map((document) => documentHash(document, tokenizer)),
      },
    },
  };
}

/** Reads blocks with the base, and the adapter beside it, and adds up what its matrices read. */
export async function takeImportance(
  device: Device,
  { base, adapter }: { readonly base: string; readonly adapter: string | undefined },
  blocks: readonly Example[],
  paths: readonly string[],
): Promise<ImportanceMatrix> {
  using open = openModel(device, base, adapter, { say });
  const { engine, model, adapt } = open;
  const architecture = architectureOf(model.checkpoint.config["model_type"], base);
  const squares = await inputSquares(engine, model, blocks, adapt);
  say(`importance matrix: ${squares.modules.size} matrices by ${squares.tokens} tokens`);
  return importanceOf(architecture, squares, paths.map((path) => basename(path)));
}
