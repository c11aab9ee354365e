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
  checkVocabulary,
  type Document,
  documentText,
  encode,
  type Example,
  type Examples,
  readDocuments,
  type RowTokenizer,
  splitLength,
  UNSUPERVISED,
} from "../../data/mod.ts";
import { ConfigError, FileError } from "../../errors.ts";
import {
  comparedRows,
  documentHash,
  type DocumentHashes,
  documentSketch,
  nearlyRepeats,
  type SeenDocuments,
} from "../../objectives/documents.ts";
import { reservoirSample } from "../../random.ts";
import type { Budget } from "../budget.ts";
import { type Earlier, FEWEST, fewestOf, HELD, type HeldPart, partDocuments } from "./parts.ts";

/** A document that is measured whole: in blocks where it is longer than a replay's rows. */
export type Blocks = readonly Example[];

/** Tokens by which two documents that the base wrote are told apart. */
const BEGINNING = 32;

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
  /** Documents that the adapter has been trained on before: left out where nothing is trained. */
  readonly trained: number;
  /** Documents that nearly repeat one of those, and are treated as it is. */
  readonly nearlyTrained: number;
  /** Hashes of all documents by their part; one that repeats another is of its part. */
  readonly hashes: Omit<DocumentHashes, "compare">;
  /** Sketches of the documents to train on. */
  readonly sketches: readonly string[];
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
  const { name, train, control, certificate, probe, repeated, inTask, trained, nearlyTrained } =
    domain;
  const left = [
    ...(repeated ? [`${repeated} repeat others`] : []),
    ...(inTask ? [`${inTask} stand in the task`] : []),
    ...(trained && train.length === 0 ? [`${trained} were trained on`] : []),
    ...(nearlyTrained && train.length === 0
      ? [`${nearlyTrained} nearly repeat what was trained on`]
      : []),
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
  /** Rows of the model's embedding table: every id must be below. */
  readonly vocabSize: number;
  /** What the adapter has been made with so far. */
  readonly seen: SeenDocuments;
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
 * without bias as they go by: large text takes no more memory.
 */
export async function readRetention(
  paths: readonly string[],
  { seed = 0, most = MOST_DOCUMENTS, say = (_line: string) => {} } = {},
): Promise<Map<string, readonly Document[]>> {
  const documents = new Map<string, readonly Document[]>();
  for (const path of paths) {
    const { items, total } = await reservoirSample(
      readDocuments({ path, format: "text" }),
      most,
      seed,
    );
    if (total > most) say(`guard: of ${total} documents of ${path} ${most} were drawn at random`);
    documents.set(path, items);
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
  { held, seed, trainTokens, maxTokens, vocabSize, seen, task }: RetentionOptions,
): Domain {
  const encoded = documents.map((document) => encode(document, tokenizer));
  for (const document of encoded) checkVocabulary(document, vocabSize);
  const hashes = encoded.map((document, i) =>
    documentHash(documents[i]!.kind === "tokens" ? beginningOf(document) : document, tokenizer)
  );
  const trains = trainTokens !== null;
  const firsts = distinct(encoded, task, { seed, vocabSize });
  const kept = firsts.flatMap((first, i) => first === i ? [i] : []);
  const known = earlierOf(seen);
  const isNear = nearlyRepeats(seen.sketches);
  const near = new Set(
    kept.filter((i) => known(hashes[i]!) !== "trained" && isNear(encoded[i]!, tokenizer)),
  );
  const parts = partDocuments(
    kept.map((i) => ({
      text: documentText(documents[i]!),
      earlier: near.has(i) ? "trained" : known(hashes[i]!),
    })),
    { held, trains, seed },
  );
  const part = (of: keyof typeof parts, tokens: number) =>
    parts[of].map((i) => blocksOf(encoded[kept[i]!]!, tokens, tokenizer.bos))
      .filter((blocks) => blocks.length > 0);
  const partOf = new Map(
    Object.entries(parts).flatMap(([of, indices]) => indices.map((i) => [kept[i]!, of] as const)),
  );
  const hashesOf = (part: keyof typeof parts) =>
    hashes.filter((_, i) => (firsts[i] === null ? "train" : partOf.get(firsts[i]!)) === part);
  const domain = {
    name,
    budget,
    train: trains ? part("train", trainTokens) : [],
    control: part("control", maxTokens),
    certificate: part("certificate", maxTokens),
    probe: part("probe", maxTokens),
    repeated: firsts.filter((first, i) => first !== null && first !== i).length,
    inTask: firsts.filter((first) => first === null).length,
    trained: kept.filter((i) => known(hashes[i]!) === "trained").length,
    nearlyTrained: near.size,
    hashes: {
      train: hashesOf("train"),
      control: hashesOf("control"),
      certificate: hashesOf("certificate"),
      probe: hashesOf("probe"),
    },
    sketches: (trains ? parts.train : []).map((i) => documentSketch(encoded[kept[i]!]!, tokenizer)),
  };
  requireParts(domain, kept.length, trains);
  return domain;
}

/** What the base wrote is known by its first tokens, wherever a run has cut it. */
const beginningOf = (document: Example): Example => ({
  ...document,
  ids: document.ids.subarray(0, (document.virtual ?? 0) + BEGINNING),
});

function earlierOf({ hashes }: SeenDocuments): (hash: string) => Earlier {
  const [trained, controlled] = [
    new Set([...hashes.train, ...hashes.compare]),
    new Set(hashes.control),
  ];
  return (hash) => trained.has(hash) ? "trained" : controlled.has(hash) ? "controlled" : "fresh";
}

/** A document in blocks of so many tokens, each read afresh; every token is predicted once. */
export const blocksOf = (document: Example, tokens: number, bos: number | null): Blocks =>
  document.ids.length > tokens
    ? splitLength(document, tokens, bos)
    : document.labels.subarray(1).some((label) => label !== UNSUPERVISED)
    ? [document]
    : [];

/**
 * The first of the documents that each repeats, itself where it repeats none; null where it repeats a
 * row of the task. Compared are token ids, as the model sees them, but for virtual ones, which all have.
 */
function distinct(
  retention: readonly Example[],
  all: Examples,
  { seed, vocabSize }: Pick<RetentionOptions, "seed" | "vocabSize">,
): (number | null)[] {
  const task = Array.from(comparedRows(all, seed), (i) => all.at(i)!);
  const text = ({ ids }: Example) => ids.filter((id) => id < vocabSize).join(" ");
  // Whether rows of the task repeat one another is nobody's question, and would take longest.
  const also = (i: number, j: number) => Math.max(i, j) >= task.length;
  const first = nearDuplicates([...task, ...retention].map(text), { also });
  return retention.map((_, i) => {
    const at = first[task.length + i]!;
    return at < task.length ? null : at - task.length;
  });
}

function requireParts(domain: Domain, count: number, trains: boolean): void {
  const parts = trains ? ["train", ...HELD] as const : HELD;
  if (parts.every((part) => domain[part].length >= FEWEST)) return;
  const left = domain.repeated + domain.inTask;
  const more = [
    ...(left > 0 ? [`${left} more repeat others`] : []),
    ...(domain.trained > 0 ? [`${domain.trained} of them were trained on`] : []),
    ...(domain.nearlyTrained > 0
      ? [`${domain.nearlyTrained} of them nearly repeat what was trained on`]
      : []),
  ];
  const found = `${count} documents${more.length > 0 ? ` (${more.join("; ")})` : ""}`;
  const others = domain.trained + domain.nearlyTrained > 0
    ? " that the adapter was not trained on"
    : "";
  throw new FileError(
    `Retention text ${domain.name}: found ${found}, wanted at least ${
      fewestOf(trains)
    }${others}, ` +
      `so that each of ${parts.join(", ")} has ${FEWEST}`,
  );
}
