/**
 * Which files of a dataset are which split, by the rules of Python's `datasets`
 * (https://huggingface.co/docs/datasets/repository_structure): what the card says, else the names of
 * files and folders.
 *
 * @module
 */
import { FileError } from "../../../errors.ts";
import type { DatasetCard } from "./card.ts";
import type { DatasetName } from "./name.ts";

/** The files of each split of each config, by `config` and `split`. */
type Parts = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** The one config of a repository that names none. */
const DEFAULT = "default";

/** Kinds of files with rows; of several kinds the most frequent is meant, of equals the first. */
const KINDS = ["parquet", "jsonl", "json", "csv", "tsv", "txt"];
const ROWS = new RegExp(`\\.(${KINDS.join("|")})(?:\\.gz|\\.zst)?$`, "i");

/** Files that are no rows, whatever their names end in. */
const OTHERS =
  /(^|\/)([._][^/]*|readme\.[^/]*|licen[cs]e[^/]*|(config|dataset_infos?|dataset_dict|state)\.json)(\/|$)/i;

/** Words in names of files and folders that tell a split. */
const WORDS: Readonly<Record<string, string>> = {
  train: "train|training",
  validation: "validation|valid|dev|val",
  test: "test|testing|eval|evaluation",
};

/** Where the hub keeps its own conversion: `config/split/0000.parquet`. */
const CONVERTED = /^([^/]+)\/([^/]+)\/\d{4,}\.parquet$/;

/**
 * The files of the part that a name asks for, in their order: where it names no config the only one
 * or the default one, where it names no split `train` or the only one.
 *
 * @throws {FileError} where there is none, with the parts that there are.
 */
export function filesOf(
  { repo, part }: DatasetName,
  paths: Iterable<string>,
  card: DatasetCard,
): readonly string[] {
  const parts = partsOf([...paths].sort(), card);
  if (parts.size === 0) {
    throw new FileError(
      `Cannot use ${repo} as data: it has no files of rows, wanted some of ${KINDS.join(", ")}; ` +
        `where the hub has converted it, ${repo}@refs/convert/parquet has them`,
    );
  }
  const [config, split] = part?.includes("/") ? part.split("/") : [undefined, part];
  const chosen = config === undefined ? onlyOrDefault(parts, card) : parts.get(config);
  const files = chosen?.get(split ?? (chosen.size === 1 ? [...chosen.keys()][0]! : "train"));
  if (files !== undefined) return files;
  const found = part === undefined ? "no part named" : `no part ${part}`;
  throw new FileError(
    `Cannot use ${repo} as data: found ${found}, wanted one of ${describe(parts, repo)}`,
  );
}

function onlyOrDefault(parts: Parts, { configs }: DatasetCard) {
  if (parts.size === 1) return [...parts.values()][0];
  const name = configs.find(({ isDefault }) => isDefault)?.name ?? DEFAULT;
  return parts.get(name);
}

/** The most parts that an error names. */
const MOST = 20;

/** `owner/set:train, owner/set:test`. */
function describe(parts: Parts, repo: string): string {
  const names = [...parts].flatMap(([config, splits]) =>
    [...splits.keys()].map((split) => `${repo}:${parts.size === 1 ? "" : `${config}/`}${split}`)
  );
  const more = names.length > MOST ? ` and ${names.length - MOST} more` : "";
  return names.slice(0, MOST).join(", ") + more;
}

function partsOf(paths: readonly string[], { configs }: DatasetCard): Parts {
  const rows = paths.filter((path) => ROWS.test(path) && !OTHERS.test(path));
  if (configs.length > 0) {
    return new Map(
      configs.map(({ name, splits }) => {
        const found = splits.map(({ split, patterns }) =>
          [split, patterns.flatMap((pattern) => matching(pattern, rows))] as const
        );
        return [name, new Map(found.filter(([, files]) => files.length > 0))] as const;
      }).filter(([, splits]) => splits.size > 0),
    );
  }
  if (rows.length > 0 && rows.every((path) => CONVERTED.test(path))) return convertedParts(rows);
  const files = ofOneKind(rows);
  return files.length === 0 ? new Map() : new Map([[DEFAULT, grouped(files, splitOf)]]);
}

function convertedParts(paths: readonly string[]): Parts {
  const configs = grouped(paths, (path) => CONVERTED.exec(path)![1]!);
  return new Map([...configs].map(([config, files]) => [
    config,
    grouped(files, (path) => CONVERTED.exec(path)![2]!),
  ]));
}

/** The split that a path tells: by `split-00000-of-00004`, by a word in its name, or in its folders. */
function splitOf(path: string): string {
  const names = path.split("/").reverse();
  const shard = /^(\w+(?:\.\w+)*)-\d{5}-of-\d{5}/.exec(names[0]!)?.[1];
  if (shard !== undefined) return shard;
  for (const name of names) {
    const found = Object.keys(WORDS).find((split) =>
      new RegExp(`(^|[^a-z])(${WORDS[split]})([^a-z]|$)`, "i").test(name)
    );
    if (found !== undefined) return found;
  }
  return "train";
}

/** Of files of several kinds, those of the most frequent. */
function ofOneKind(paths: readonly string[]): string[] {
  const kinds = grouped(paths, (path) => ROWS.exec(path)![1]!.toLowerCase());
  const [first] = [...kinds.keys()].sort((a, b) =>
    kinds.get(b)!.length - kinds.get(a)!.length || KINDS.indexOf(a) - KINDS.indexOf(b)
  );
  return first === undefined ? [] : [...kinds.get(first)!];
}

function grouped(paths: readonly string[], keyOf: (path: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) groups.set(keyOf(path), [...groups.get(keyOf(path)) ?? [], path]);
  return groups;
}

/** Paths that fit a pattern with `*`, `**` and `?`. */
function matching(pattern: string, paths: readonly string[]): string[] {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|[^\w/]/g, (sign) => {
    if (sign === "**/") return "(?:.*/)?";
    if (sign === "**") return ".*";
    if (sign === "*") return "[^/]*";
    return sign === "?" ? "[^/]" : `\\${sign}`;
  });
  const fits = new RegExp(`^${source}$`);
  return paths.filter((path) => fits.test(path));
}
