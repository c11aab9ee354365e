/**
 * Retention text: what must not be forgotten, in four parts that share no document. One is trained
 * on, one controls the run, one certifies it and one is looked at.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { nearDuplicates } from "../../curate/near_duplicates.ts";
import { basename } from "node:path";
import {
  type Document,
  documentText,
  encode,
  type Example,
  type Examples,
  readDocuments,
  type RowTokenizer,
  split,
  splitLength,
  UNSUPERVISED,
} from "../../data/mod.ts";
import { ConfigError, FileError } from "../../errors.ts";
import { permutation, random } from "../../random.ts";
import type { Budget } from "../budget.ts";

/** The parts that are held back. */
export const HELD = ["control", "certificate", "probe"] as const;
/** One of those: the controller and the selection work by `control`, `certificate` is touched once, `probe` is shown. */
export type HeldPart = typeof HELD[number];

/** The largest share of a domain that each held-back part takes: where the rest is trained on, and
 * where nothing is. */
const MOST: Readonly<Record<"trained" | "measured", Readonly<Record<HeldPart, number>>>> = {
  trained: { control: 1 / 6, certificate: 1 / 3, probe: 1 / 12 },
  measured: { control: 1 / 3, certificate: 1 / 2, probe: 1 / 6 },
};

/** Fewer documents than this leave a part without a spread to reckon with. */
const FEWEST = 2;

/** A document that is measured whole: in blocks where it is longer than a replay's rows. */
export type Blocks = readonly Example[];

/** Text that is measured together against one budget. */
export interface Domain {
  readonly name: string;
  readonly budget: Budget;
  readonly train: readonly Blocks[];
  readonly control: readonly Blocks[];
  readonly certificate: readonly Blocks[];
  readonly probe: readonly Blocks[];
  /** Documents left out because they repeat another, and because they repeat a task row. */
  readonly repeated: number;
  readonly inTask: number;
}

/** A hash of the documents of all parts: a run goes on only with the same text. */
export function contentsOf(domains: readonly Domain[]): string {
  const hash = createHash("sha256");
  for (const { name, train, control, certificate, probe } of domains) {
    for (const part of [train, control, certificate, probe]) {
      hash.update(`${name} ${part.length}\n`);
      for (const { ids } of part.flat()) hash.update(`${ids.length}\n`).update(ids);
    }
  }
  return hash.digest("hex");
}

/** One line about a domain, for the log of a run. */
export function describeDomain(domain: Domain): string {
  const { name, train, control, certificate, probe, repeated, inTask } = domain;
  const left = [
    ...(repeated ? [`${repeated} repeat others`] : []),
    ...(inTask ? [`${inTask} stand in the task`] : []),
  ];
  const out = left.length > 0 ? `, left out: ${left.join(", ")}` : "";
  return `retention text ${name}: ${train.length} documents to train on, ${control.length} to ` +
    `control by, ${certificate.length} to certify, ${probe.length} to show${out}`;
}

export interface RetentionOptions {
  /** Documents of each file of retention text, by path. */
  readonly documents: ReadonlyMap<string, readonly Document[]>;
  readonly budgets: readonly Budget[];
  /** How many documents each held-back part has at most. */
  readonly held: Readonly<Record<HeldPart, number>>;
  readonly seed: number;
  /** Tokens of a block: of documents that are trained on (null where none are), and of the others. */
  readonly trainTokens: number | null;
  readonly maxTokens: number;
  /**
   * What the run learns; a retention document that repeats one of these is left out. Of more than
   * 50,000 rows a random part is compared.
   */
  readonly task: Examples;
}

/** What a run has use for: an update of 1000 guard tokens sees some documents. */
const MOST_DOCUMENTS = 20_000;

/**
 * Reads the documents of retention files. Of a file of more than `most` so many are kept, drawn
 * without bias as they go by (Vitter 1985, algorithm R): large text takes no more memory.
 */
export async function readRetention(
  paths: readonly string[],
  { seed = 0, most = MOST_DOCUMENTS, say = (_line: string) => {} } = {},
): Promise<Map<string, readonly Document[]>> {
  const documents = new Map<string, readonly Document[]>();
  for (const path of paths) {
    const kept: { readonly number: number; readonly document: Document }[] = [];
    let number = 0;
    for await (const document of readDocuments({ path, format: "text" })) {
      const place = number < most ? number : Math.floor(random(seed, number) * (number + 1));
      if (place < most) kept[place] = { number, document };
      number++;
    }
    if (number > most) say(`guard: of ${number} documents of ${path} ${most} were drawn at random`);
    const inOrder = kept.sort((a, b) => a.number - b.number);
    documents.set(path, inOrder.map(({ document }) => document));
  }
  return documents;
}

/**
 * Splits retention text at random by document, domain by domain, after near-duplicates and what also
 * stands in the task have been left out.
 *
 * @throws {ConfigError} where budgets and files do not name the same domains.
 * @throws {FileError} where a domain has too few documents for four parts.
 */
export function splitRetention(tokenizer: RowTokenizer, options: RetentionOptions): Domain[] {
  const { documents, budgets } = options;
  const ofSlices = assign(documents, budgets);
  return budgets.map((budget) => {
    const name = nameOf(budget);
    return splitDomain(name, budget, ofSlices.get(name)!, tokenizer, options);
  });
}

const nameOf = ({ domain }: Budget): string => domain ?? "all";

/** Which documents belong to which domain: a file is of the domain of its name. */
function assign(documents: RetentionOptions["documents"], budgets: readonly Budget[]) {
  const domains = new Map<string, Document[]>(budgets.map((budget) => [nameOf(budget), []]));
  for (const [path, ofFile] of documents) {
    const name = budgets[0]!.domain === null ? "all" : stem(path);
    const domain = domains.get(name);
    if (!domain) {
      const wanted = [...domains.keys()].join(", ");
      throw new ConfigError(`${path}: found no budget for "${name}", wanted one beside ${wanted}`);
    }
    domain.push(...ofFile);
  }
  const empty = [...domains].find(([, domain]) => domain.length === 0);
  if (empty === undefined) return domains;
  const files = [...documents.keys()].map(stem).join(", ");
  throw new ConfigError(`Found a budget for "${empty[0]}", wanted one for each of ${files}`);
}

/** `code` of `texts/code.jsonl.gz`. */
const stem = (path: string): string => basename(path).split(".")[0]!;

function splitDomain(
  name: string,
  budget: Budget,
  documents: readonly Document[],
  tokenizer: RowTokenizer,
  { held, seed, trainTokens, maxTokens, task }: RetentionOptions,
): Domain {
  const encoded = documents.map((document) => encode(document, tokenizer));
  const kinds = distinct(encoded, task, seed);
  const kept = kinds.flatMap((kind, i) => kind === "kept" ? [i] : []);
  const parts = split(
    kept.map((i) => documentText(documents[i]!)),
    shares(kept.length, held, MOST[trainTokens === null ? "measured" : "trained"]),
    seed,
  );
  const part = (of: string, tokens: number) =>
    parts[of]!.map((i) => blocksOf(encoded[kept[i]!]!, tokens, tokenizer.bos))
      .filter((blocks) => blocks.length > 0);
  const count = (of: string) => kinds.filter((kind) => kind === of).length;
  const domain = {
    name,
    budget,
    train: trainTokens === null ? [] : part("train", trainTokens),
    control: part("control", maxTokens),
    certificate: part("certificate", maxTokens),
    probe: part("probe", maxTokens),
    repeated: count("repeated"),
    inTask: count("in task"),
  };
  requireParts(domain, kept.length, trainTokens === null ? HELD : ["train", ...HELD]);
  return domain;
}

/** A document in blocks of so many tokens, each read afresh; every token is predicted once. */
export const blocksOf = (document: Example, tokens: number, bos: number | null): Blocks =>
  document.ids.length > tokens
    ? splitLength(document, tokens, bos)
    : document.labels.subarray(1).some((label) => label !== UNSUPERVISED)
    ? [document]
    : [];

/** Rows of a larger task that are compared, drawn at random: two megabytes of text take a second. */
const TASK_ROWS = 50_000;

/** Which rows of a task are compared with the retention text. */
export const comparedRows = ({ length }: Examples, seed: number): Uint32Array =>
  length <= TASK_ROWS
    ? Uint32Array.from(Array(length).keys())
    : permutation(length, seed).subarray(0, TASK_ROWS);

/** Each document's kind: `kept`, or why it is left out. Compared are token ids, as the model sees them. */
function distinct(retention: readonly Example[], all: Examples, seed: number) {
  const task = Array.from(comparedRows(all, seed), (i) => all.at(i)!);
  const text = ({ ids }: Example) => ids.join(" ");
  // Whether rows of the task repeat one another is nobody's question, and would take longest.
  const also = (i: number, j: number) => Math.max(i, j) >= task.length;
  const first = nearDuplicates([...task, ...retention].map(text), { also });
  return retention.map((_, i) => {
    const at = task.length + i;
    if (first[at] === at) return "kept";
    return first[at]! < task.length ? "in task" : "repeated";
  });
}

/** The parts' shares of `count` documents; what none takes is trained on, or left out. */
function shares(
  count: number,
  held: RetentionOptions["held"],
  most: Readonly<Record<HeldPart, number>>,
): Record<string, number> {
  const parts = HELD.map((part): [string, number] => {
    const documents = Math.min(held[part], Math.max(1, Math.floor(most[part] * count)));
    return [part, documents / Math.max(count, HELD.length + 1)];
  });
  const rest = 1 - parts.reduce((sum, [, share]) => sum + share, 0);
  return { ...Object.fromEntries(parts), ...(rest > 1e-9 && { train: rest }) };
}

function requireParts(domain: Domain, count: number, parts: readonly ("train" | HeldPart)[]): void {
  if (parts.every((part) => domain[part].length >= FEWEST)) return;
  const left = domain.repeated + domain.inTask;
  const repeated = left > 0 ? ` (${left} more repeat others)` : "";
  const most = parts.length > HELD.length ? MOST.trained : MOST.measured;
  throw new FileError(
    `Retention text ${domain.name}: found ${count} documents${repeated}, wanted at least ` +
      `${FEWEST / most.probe}, so that each of ${parts.join(", ")} has ${FEWEST}`,
  );
}
