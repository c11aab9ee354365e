/**
 * Files of configurations: JSON, JSON with comments, or YAML.
 *
 * @module
 */
import { extname } from "node:path";
import { parse, type ParseError, printParseErrorCode } from "../deps/jsonc.ts";
import { ConfigError, FileError } from "../errors.ts";
import { isObject, parseJsonObject, readText } from "../io/files.ts";
import { isTooDeep, MAX_DEPTH } from "../io/json.ts";
import { readYamlObject } from "../io/yaml.ts";

/** What a file is read as, by the end of its name. */
const READERS: Readonly<Record<string, (path: string) => Record<string, unknown>>> = {
  ".json": (path) => parseJsonObject(readText(path), path),
  ".jsonc": readJsonc,
  ".yaml": readYaml,
  ".yml": readYaml,
};

/**
 * The object in the file of a configuration.
 *
 * @throws {ConfigError} where there is no such file, or it holds anything else.
 */
export function readConfigFile(path: string): Record<string, unknown> {
  const read = READERS[extname(path).toLowerCase()];
  try {
    if (read) return read(path);
    readText(path); // that there is none is what to say first
  } catch (fault) {
    throw fault instanceof FileError ? new ConfigError(fault.message, { cause: fault }) : fault;
  }
  const wanted = Object.keys(READERS).join(", ");
  throw new ConfigError(`${path}: found no config by its name, wanted one that ends in ${wanted}`);
}

function readYaml(path: string) {
  return readYamlObject(path, { wanted: "the keys of a config" });
}

function readJsonc(path: string): Record<string, unknown> {
  const text = readText(path);
  if (isTooDeep(text)) {
    throw new FileError(
      `Cannot read ${path}: found JSON that nests deeper than ${MAX_DEPTH} levels`,
    );
  }
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) {
    const line = text.slice(0, error.offset).split("\n").length;
    throw new FileError(`${path}:${line}: not valid JSON (${printParseErrorCode(error.error)})`);
  }
  if (isObject(value)) return value;
  throw new FileError(`${path}: found no object, wanted the keys of a config`);
}
