/**
 * `documents.json` in the folder of a run or of an adapter: hashes of the documents that it was made
 * with, by what they were used for, and sketches of those that were trained on.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { FileError } from "../errors.ts";
import { exists, readJsonObject, writeJson } from "../io/files.ts";
import {
  DOCUMENT_USES,
  type DocumentHashes,
  type SeenDocuments,
  UNKNOWN_SEEN,
} from "../objectives/documents.ts";
import { isRunFolder } from "./folder.ts";

const NAME = "documents.json";

/** Of the format. */
const VERSION = 1;

/** Leaves in a folder what an adapter was made with. */
export function writeDocuments(folder: string, { hashes, ...seen }: SeenDocuments): void {
  writeJson(join(folder, NAME), { version: VERSION, ...hashes, ...seen });
}

/**
 * What the adapter in a folder was made with, as its run or the guard has left it.
 *
 * @throws {FileError} where that is damaged, or of a newer version.
 */
export function documentsSeenBy(adapter: string): SeenDocuments {
  const above = join(resolve(adapter), "..");
  const path = [adapter, ...(isRunFolder(above) ? [above] : [])]
    .map((folder) => join(folder, NAME)).find(exists);
  return path === undefined ? UNKNOWN_SEEN : readDocuments(path);
}

function readDocuments(path: string): SeenDocuments {
  // Files of before there were sketches have none.
  const { version, complete, sketched = false, sketches = [], ...lists } = readJsonObject(path);
  if (version !== VERSION) {
    throw new FileError(`Cannot use ${path}: found version ${version}, wanted ${VERSION}`);
  }
  const missing = (what: string) =>
    new FileError(`Cannot use ${path}: found no ${what}, wanted one`);
  const bad = DOCUMENT_USES.find((use) => !isListOfTexts(lists[use]));
  if (bad !== undefined || typeof complete !== "boolean") throw missing(bad ?? "complete");
  if (!isListOfSketches(sketches)) throw missing("list of sketches");
  const hashes = Object.fromEntries(DOCUMENT_USES.map((use) => [use, lists[use]]));
  return {
    complete,
    sketched: sketched === true,
    sketches,
    hashes: hashes as unknown as DocumentHashes,
  };
}

const isListOfTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((text) => typeof text === "string");

/** 256 bits each, in base64. */
const isListOfSketches = (value: unknown): value is readonly string[] =>
  isListOfTexts(value) && value.every((sketch) => /^[A-Za-z0-9+/]{43}$/.test(sketch));
