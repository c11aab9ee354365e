/**
 * What a dataset's card says for programs: the YAML before the text of its `README.md`
 * (https://huggingface.co/docs/hub/datasets-cards).
 *
 * @module
 */
import { parseDocument } from "../../../deps/yaml.ts";
import { isObject } from "../../files.ts";

/** Files of a split, as patterns of paths. */
export interface SplitFiles {
  readonly split: string;
  readonly patterns: readonly string[];
}

/** One of several sets that a repository holds. */
export interface ConfigFiles {
  readonly name: string;
  readonly isDefault: boolean;
  readonly splits: readonly SplitFiles[];
}

/** A card, as far as it is read here. */
export interface DatasetCard {
  /** The licence that it names; null where it names none. */
  readonly licence: string | null;
  /** What it says of its files; none where their names say it. */
  readonly configs: readonly ConfigFiles[];
}

/** Reads a card; one that is no YAML says nothing. */
export function readCard(text: string): DatasetCard {
  const [, yaml = ""] = /^---\r?\n([^]*?)\r?\n---/.exec(text) ?? [];
  const fields = fieldsOf(yaml);
  const licences = [fields["license"]].flat().filter((name) => typeof name === "string");
  const configs = Array.isArray(fields["configs"]) ? fields["configs"] : [];
  return {
    licence: licences.length === 0 ? null : licences.join(", "),
    configs: configs.filter(isObject).flatMap((config) => configOf(config) ?? []),
  };
}

function fieldsOf(yaml: string): Record<string, unknown> {
  try {
    const fields: unknown = parseDocument(yaml, { logLevel: "silent" }).toJS();
    return isObject(fields) ? fields : {};
  } catch {
    return {}; // aliases without end
  }
}

function configOf(config: Record<string, unknown>): ConfigFiles | null {
  const { config_name: name, data_files: files, data_dir: folder } = config;
  if (typeof name !== "string") return null;
  const splits = splitsOf(
    files,
    typeof folder === "string" ? `${folder.replace(/\/+$/, "")}/` : "",
  );
  return splits.length === 0 ? null : { name, isDefault: config["default"] === true, splits };
}

/** A text, a list of texts, a list of splits with their paths, or paths by split. */
function splitsOf(files: unknown, folder: string): SplitFiles[] {
  const patterns = (path: unknown) =>
    [path].flat().filter((path) => typeof path === "string")
      .map((path) => folder + path.replace(/^\.\//, ""));
  if (isObject(files)) {
    return Object.entries(files).map(([split, path]) => ({ split, patterns: patterns(path) }));
  }
  const list = [files].flat();
  if (!list.every(isObject)) {
    const all = patterns(list);
    return all.length === 0 ? [] : [{ split: "train", patterns: all }];
  }
  return list.flatMap(({ split, path }) =>
    typeof split === "string" ? [{ split, patterns: patterns(path) }] : []
  );
}
