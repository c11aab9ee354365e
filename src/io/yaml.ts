/**
 * Files of YAML.
 *
 * @module
 */
import { parseDocument, type ScalarTag } from "../deps/yaml.ts";
import { FileError } from "../errors.ts";
import { isObject, readText } from "./files.ts";

/** How to read one. */
export interface YamlOptions {
  /** What the object is, for the error where there is none. */
  readonly wanted: string;
  /** Tags beside those of YAML. */
  readonly tags?: ScalarTag[];
}

/**
 * The object that a file of YAML holds.
 *
 * @throws {FileError} with file and line where it is no YAML, holds anything else or unfolds to very
 * many values.
 */
export function readYamlObject(
  path: string,
  { wanted, tags = [] }: YamlOptions,
): Record<string, unknown> {
  const document = parseDocument(readText(path), { customTags: tags, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    throw new FileError(`${path}:${line}: found malformed YAML (${error.message.split("\n")[0]})`);
  }
  const fields = unfolded(path, () => document.toJS());
  if (isObject(fields)) return fields;
  throw new FileError(`${path}: found no fields, wanted ${wanted}`);
}

/** Aliases can stand for more than any memory holds; the package counts them. */
function unfolded(path: string, unfold: () => unknown): unknown {
  try {
    return unfold();
  } catch (fault) {
    throw new FileError(`${path}: found malformed YAML (${(fault as Error).message})`);
  }
}
