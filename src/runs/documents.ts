/**
 * `documents.json` in the folder of a run or of an adapter: hashes of the documents that it was made
 * with, by what they were used for.
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
export function writeDocuments(folder: string, { complete, hashes }: SeenDocuments): void {
  writeJson(join(folder, NAME), { version: VERSION, complete, ...hashes });
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
  const { version, complete, ...lists } = readJsonObject(path);
  if (version !== VERSION) {
    throw new FileError(`Cannot use ${path}: found version ${version}, wanted ${VERSION}`);
  }
  const bad = DOCUMENT_USES.find((use) => !isListOfHashes(lists[use]));
  if (bad !== undefined || typeof complete !== "boolean") {
    throw new FileError(`Cannot use ${path}: found no ${bad ?? "complete"}, wanted one`);
  }
  const hashes = Object.fromEntries(DOCUMENT_USES.map((use) => [use, lists[use]]));
  return { complete, hashes: hashes as unknown as DocumentHashes };
}

const isListOfHashes = (value: unknown): boolean =>
  Array.isArray(value) && value.every((hash) => typeof hash === "string");
