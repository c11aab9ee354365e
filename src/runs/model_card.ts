/**
 * The model card of what a run made: README.md with the front matter that the hub reads
 * (https://huggingface.co/docs/hub/model-cards), the run's own figures, and how to use it. It names
 * data by their files, never by their folders, and no path of this machine.
 *
 * @module
 */
import { basename } from "node:path";
import { exists, isObject, readJsonObject, readText } from "../io/files.ts";
import { runFiles } from "./folder.ts";

type Json = Readonly<Record<string, unknown>>;

/** What a card is about. */
export interface CardSubject {
  /** The repository it is pushed to. */
  readonly repo: string;
  /** An adapter, or a model with the adapter merged in. */
  readonly kind: "adapter" | "model";
  /** Whether an encoder reads the prompt. */
  readonly hasEncoder: boolean;
  /** The base on the hub. */
  readonly base: string;
  /** The commit of the base, where it is known. */
  readonly revision?: string | undefined;
  /** The folder of the run, where it is known. */
  readonly run?: string | undefined;
  /** What a method says of the result, where one does. */
  readonly evidence?: CardEvidence | undefined;
}

/** What a method adds to the card of a run. */
export interface CardEvidence {
  /** Rows of the table of figures. */
  readonly rows: readonly Row[];
  /** Paragraphs after it. */
  readonly paragraphs: readonly string[];
}

/** The text of the card. */
export function modelCard(subject: CardSubject): string {
  const { repo, kind, base, revision, run, evidence } = subject;
  const what = kind === "adapter" ? "A LoRA adapter for" : "A LoRA adapter merged into";
  const at = revision === undefined ? "" : ` at commit \`${revision}\``;
  const sections = [
    `# ${repo.split("/")[1]}`,
    `${what} [${base}](https://huggingface.co/${base})${at}, trained with Graft.`,
    ...(run === undefined ? [] : runSections(run, evidence ?? { rows: [], paragraphs: [] })),
    usage(subject),
  ];
  return `${frontMatter(subject)}\n${sections.join("\n\n")}\n`;
}

function frontMatter({ kind, hasEncoder, base }: CardSubject): string {
  const isAdapter = kind === "adapter";
  const text = JSON.stringify; // JSON is YAML, whatever a name has in it
  return [
    "---",
    `base_model: ${text(base)}`,
    `base_model_relation: ${isAdapter ? "adapter" : "finetune"}`,
    `library_name: ${isAdapter ? "peft" : "transformers"}`,
    `pipeline_tag: ${hasEncoder ? "text2text-generation" : "text-generation"}`,
    "tags:",
    ...(isAdapter ? [`- ${text(`base_model:adapter:${base}`)}`] : []),
    "- lora",
    "- graft",
    "---",
  ].join("\n");
}

/** Figures and data of a run, as far as its folder has them. */
function runSections(run: string, { rows: found, paragraphs }: CardEvidence): string[] {
  const files = runFiles(run);
  const config = readJsonObject(files.config);
  const rows = [...lossRows(files.metrics), ...found, ...settingRows(config)];
  return [
    "## Figures",
    ["| | |", "| --- | --- |", ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n"),
    ...paragraphs,
    "## Data",
    dataLines(config).map((line) => `- ${line}`).join("\n"),
  ];
}

/** A row of the table of figures. */
export type Row = readonly [what: string, found: string];

function lossRows(path: string): Row[] {
  const lines = exists(path) ? readText(path).split("\n").filter((line) => line !== "") : [];
  const updates: Json[] = lines.map((line) => JSON.parse(line));
  const [first, last] = [updates[0], updates.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [
    ["updates", String(Number(last["step"]) + 1)],
    ["loss", `${fixed(first["loss"], 4)} -> ${fixed(last["loss"], 4)}`],
  ];
}

function settingRows(config: Json): Row[] {
  const { method, rank, alpha, dropout, targets } = section(config, "adapter");
  const { lr, schedule, tokens_per_batch: tokens, seed } = section(config, "train");
  const isRanked = ["lora", "dora"].includes(String(method ?? "lora"));
  const named = Array.isArray(targets) ? targets.join(", ") : String(targets);
  return [
    ...objectiveRow(config),
    ...(method === undefined ? [] : [["method", String(method)] as const]),
    ...(isRanked ? [["rank, alpha", `${rank}, ${alpha}`] as const] : []),
    ...(method === "vera" ? [["rank", String(rank)] as const] : []),
    ...(dropout === undefined ? [] : [["dropout", String(dropout)] as const]),
    ...(isRanked || ["ia3", "vera"].includes(String(method))
      ? [["target modules", named] as const]
      : []),
    ["learning rate", `${lr}, ${schedule}`],
    ["tokens an update", String(tokens)],
    ["seed", String(seed)],
  ];
}

/** What updates minimised: its kind and its keys. */
function objectiveRow(config: Json): Row[] {
  const { kind, ...keys } = section(config, "objective");
  if (typeof kind !== "string") return []; // a run of before there was more than one
  const shown = (value: unknown) => isObject(value) ? JSON.stringify(value) : String(value);
  const settings = Object.entries(keys).map(([key, value]) =>
    `, ${key} ${[value].flat().map(shown).join(",")}`
  );
  return [["objective", `${kind}${settings.join("")}`]];
}

/** The files of a run, each with its format and template; folders are nobody's business. */
function dataLines(config: Json): string[] {
  const entries = Array.isArray(config["data"]) ? config["data"].filter(isObject) : [];
  const { text } = section(config, "guard");
  const kept = Array.isArray(text) ? text : [];
  return [
    ...entries.map(({ path, format, template }) => {
      const named = isObject(template) ? "written out" : template;
      const marks = [format && `format ${format}`, named && `template ${named}`].filter(Boolean);
      return `${code(path)}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`;
    }),
    ...kept.map((path) => `${code(path)}, which was not to be forgotten`),
  ];
}

function usage({ repo, kind, hasEncoder, base, revision }: CardSubject): string {
  const auto = hasEncoder ? "AutoModelForSeq2SeqLM" : "AutoModelForCausalLM";
  const pin = revision === undefined ? "" : `, revision="${revision}"`;
  const isAdapter = kind === "adapter";
  const [imports, model] = isAdapter
    ? ["from peft import PeftModel\n", `model = PeftModel.from_pretrained(model, "${repo}")\n`]
    : ["", ""];
  const loaded = isAdapter ? `"${base}"${pin}` : `"${repo}"`;
  const here = isAdapter
    ? `${revision === undefined ? base : `${base}@${revision}`} --adapter ${repo}`
    : repo;
  return [
    "## Use",
    "With transformers" + (isAdapter ? " and PEFT:" : ":"),
    "```python\n" + imports + `from transformers import ${auto}, AutoTokenizer\n\n` +
    `tokenizer = AutoTokenizer.from_pretrained(${loaded})\n` +
    `model = ${auto}.from_pretrained(${loaded})\n${model}\`\`\``,
    "With Graft:",
    "```sh\n" + `deno task generate ${here} --instruction "..."\n` + "```",
  ].join("\n\n");
}

function section(config: Json, key: string): Json {
  const value = config[key];
  return isObject(value) ? value : {};
}

function code(path: unknown): string {
  return `\`${basename(String(path)).replaceAll("`", "'")}\``;
}

function fixed(value: unknown, digits: number): string {
  return typeof value === "number" ? value.toFixed(digits) : "unknown";
}
