/**
 * `deno task export`: writes a model or an adapter in the format of another program.
 *
 * @module
 */
import { basename, join } from "node:path";
import { type PeftAdapter, readPeft } from "../adapters/peft/folder.ts";
import { ConfigError } from "../errors.ts";
import { FILE_TYPES, WRITTEN_TYPES } from "../export/gguf/file_types.ts";
import { exportGgufLora } from "../export/gguf_lora.ts";
import { exportGguf, refuseNoHeed, type RoundedMatrix } from "../export/gguf_model.ts";
import { writeImportance } from "../export/gguf/importance.ts";
import { exportMlx } from "../export/mlx.ts";
import type { Exported } from "../export/proven.ts";
import { describeFile } from "../forgetting/exported/report.ts";
import type { Device } from "../gpu/device.ts";
import { adapterFolder, baseOf } from "../adapters/saved.ts";
import { modelfile } from "../export/modelfile.ts";
import { exists, writeText } from "../io/files.ts";
import { isGguf } from "../io/model_files.ts";
import { openTuned } from "../tune/cache.ts";
import { describeErrors } from "./export/errors.ts";
import { describeKept, type ExportedFile, measureKept } from "./export/measured.ts";
import { certifyExport, type FileBudget, openBudget } from "./export/certified.ts";
import { imatrixSource, imatrixText, importanceFile, takeImportance } from "./export/imatrix.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { certificateOf, imatrixOf, modelfileOf } from "./lib/beside.ts";
import { CERTIFYING_FLAGS, NOT_CERTIFIED } from "./lib/certifying.ts";
import { fetchFolder } from "./lib/hub.ts";
import { chatTemplateOf } from "./lib/template.ts";
import { answer, dim, say } from "./lib/term.ts";

const FORMATS = {
  gguf: "a whole model for llama.cpp, an adapter merged in",
  "gguf-lora": "an adapter for llama.cpp",
  mlx: "an adapter for mlx-lm",
};

const COMMAND: Command = {
  usage: "export MODEL_OR_RUN_OR_ADAPTER --format FORMAT --out PATH [--base MODEL] [--type TYPE] " +
    "[--text FILE] [--budget ppl:2%] [--imatrix FILE] [--modelfile]",
  summary: "Writes a model or an adapter in the format of another program, reads it back and " +
    "compares every tensor. Formats: " +
    Object.entries(FORMATS).map(([name, what]) => `${name}, ${what}`).join("; ") + ".",
  flags: {
    format: { type: "string", help: Object.keys(FORMATS).join(", ") },
    out: { type: "string", help: "where to write: a file for GGUF, a folder for mlx" },
    base: { type: "string", help: "base of an adapter; the one that it names by default" },
    type: {
      type: "string",
      help: `for GGUF ${Object.keys(FILE_TYPES).join(", ")}; by default 16 bits, adapters F32`,
    },
    text: {
      type: "string",
      help: "for gguf: .txt or .jsonl that the file is measured on, beside what it was made of",
    },
    budget: {
      type: "string",
      help:
        "for gguf: what the file may forget, such as ppl:2%: it is certified by --text, or by " +
        "what the base writes, and exits with 3 where it is not",
    },
    ...CERTIFYING_FLAGS,
    imatrix: {
      type: "string",
      help: "for gguf: importance matrix to round by: a .gguf of llama-imatrix, or text to take " +
        "one from",
    },
    errors: { type: "boolean", help: "for gguf: how far rounding moved each matrix, by layer" },
    modelfile: { type: "boolean", help: "for gguf: write a Modelfile for Ollama beside it" },
    template: {
      type: "string",
      help: "chat template of the Modelfile by name or file, in place of the model's",
    },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, 1],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals, flags } = parseArguments(COMMAND, args);
  const { out, format, json } = flags;
  if (out === undefined) throw new ConfigError(`Found no --out, wanted one: ${COMMAND.usage}`);
  const stray = ["text", "budget", "imatrix", "modelfile", "errors"]
    .find((name) => flags[name] !== undefined);
  if (stray !== undefined && !(format === "gguf" && isGguf(out))) {
    throw new ConfigError(
      `Found --${stray}, wanted it with --format gguf and an --out that ends in .gguf`,
    );
  }
  if (flags["template"] !== undefined && flags["modelfile"] === undefined) {
    throw new ConfigError("Found --template, wanted it with --modelfile only");
  }
  const needless = Object.keys(CERTIFYING_FLAGS).find((name) => flags[name] !== undefined);
  if (needless !== undefined && flags["budget"] === undefined) {
    throw new ConfigError(`Found --${needless}, wanted it with --budget only`);
  }
  const given = givenModel(positionals[0]!, flags["base"]);
  if (format === "gguf") return await exportModel(await given.base(), given.adapter, out, flags);
  if (!Object.hasOwn(FORMATS, format ?? "")) {
    const wanted = Object.keys(FORMATS).join(", ");
    throw new ConfigError(
      `Found ${format ? `--format ${format}` : "no --format"}, wanted ${wanted}`,
    );
  }
  if (given.adapter === undefined) {
    throw new ConfigError(`Found a model in ${positionals[0]}, wanted an adapter for ${format}`);
  }
  const adapter = readPeft(given.adapter);
  const done = format === "mlx"
    ? exportMlx(adapter, out, hasTable(adapter) ? await given.base() : undefined)
    : exportGgufLora(await given.base(), adapter, out, typeOf(flags["type"], WRITTEN_TYPES));
  tellWritten(out, done, json);
  if (json) answer(JSON.stringify({ out, format, ...done }));
  return 0;
}

/** What the first argument names: an adapter with its base, or a base alone. */
function givenModel(given: string, base: string | undefined) {
  const folder = adapterFolder(given);
  const isAdapter = exists(join(folder, "adapter_config.json"));
  return {
    adapter: isAdapter ? folder : undefined,
    base: () => fetchFolder(isAdapter ? base ?? baseOf(folder) : given, "model"),
  };
}

const hasTable = ({ modules }: PeftAdapter): boolean => modules.some(({ isTable }) => isTable);

function tellWritten(out: string, { notes, tensors, bytes }: Exported, json: string | undefined) {
  for (const note of notes) say(dim(`note: ${note}`));
  if (!json) answer(`${out}: ${tensors} tensors, ${bytes} bytes, read back equal`);
}

/** Writes a whole model, with what is asked for beside it. */
async function exportModel(
  base: string,
  adapter: string | undefined,
  out: string,
  flags: Readonly<Record<string, string>>,
): Promise<number> {
  const { text, budget, imatrix, json } = flags;
  const type = typeOf(flags["type"], Object.keys(FILE_TYPES));
  if (imatrix !== undefined) refuseNoHeed(type);
  const modelfileText = flags["modelfile"] === undefined
    ? undefined
    : modelfile(base, basename(out), chatTemplateOf(flags["template"]));
  refuseTaken([
    out,
    ...(modelfileText === undefined ? [] : [modelfileOf(out)]),
    ...(budget === undefined ? [] : [certificateOf(out)]),
  ]);
  const isMeasured = text !== undefined || budget !== undefined;
  const takes = imatrix !== undefined && imatrixSource(imatrix).kind === "text";
  using device = isMeasured || takes ? await openTuned({}, say) : null;
  const made = { base, adapter, out, type };
  const prepared = await prepare(device, made, flags);
  const errors: RoundedMatrix[] = [];
  const { kept: left, ...done } = exportGguf(base, out, {
    ...{ type, importance: prepared.importance },
    adapter: adapter === undefined ? undefined : readPeft(adapter),
    rounded: flags["errors"] ? (matrix) => void errors.push(matrix) : undefined,
  });
  if (modelfileText !== undefined) writeText(modelfileOf(out), modelfileText);
  if (takes) writeImportance(imatrixOf(out), prepared.importance!.matrix);
  tellWritten(out, done, json);
  if (flags["errors"] && !json) { for (const line of describeErrors(errors)) answer(line); }
  if (modelfileText && !json) answer(`${modelfileOf(out)}: ollama create NAME -f it`);
  const exported = { ...made, importance: prepared.importance };
  const certificate = prepared.budget &&
    await certifyExport(device!, exported, prepared.budget, left);
  const kept = certificate || text === undefined
    ? null
    : await measureKept(device!, exported, text);
  if (json) {
    const more = { ...(flags["errors"] && { errors }), ...(kept && { kept }) };
    const proven = certificate ? { certificate } : {};
    answer(JSON.stringify({ out, format: "gguf", ...done, left, ...more, ...proven }));
  } else {
    for (const line of kept ? describeKept(kept) : []) answer(line);
    for (const line of certificate ? describeFile(certificate) : []) answer(line);
    if (certificate) answer(`saved ${certificateOf(out)}`);
  }
  return certificate && !certificate.certified ? NOT_CERTIFIED : 0;
}

function refuseTaken(paths: readonly string[]): void {
  const taken = paths.find(exists);
  if (taken !== undefined) {
    throw new ConfigError(`Cannot write ${taken}: it is there already`);
  }
}

/** What is read before a file is written: the importance matrix, and the text of its certificate. */
async function prepare(
  device: Device | null,
  { base, adapter, out }: Omit<ExportedFile, "type" | "importance">,
  flags: Readonly<Record<string, string>>,
): Promise<{ importance: ExportedFile["importance"]; budget: FileBudget | null }> {
  const { text, budget, imatrix } = flags;
  const source = imatrix === undefined ? undefined : imatrixSource(imatrix);
  const isShared = source?.kind === "text" && budget !== undefined && imatrix === text;
  const own = source?.kind === "text" && !isShared
    ? await imatrixText(device!, base, source.paths)
    : undefined;
  const opened = budget === undefined ? null : await openBudget(device!, {
    ...{ base, adapter, out, trains: isShared, read: own?.seen },
  }, flags);
  if (source?.kind !== "text") {
    return { importance: source && importanceFile(source.path), budget: opened };
  }
  const blocks = own?.blocks ?? opened!.domains.flatMap(({ train }) => train.flat());
  const matrix = await takeImportance(device!, { base, adapter }, blocks, source.paths);
  return { importance: { matrix, file: basename(imatrixOf(out)) }, budget: opened };
}

function typeOf<Type extends string>(
  text: string | undefined,
  known: readonly Type[],
): Type | undefined {
  if (text === undefined) return undefined;
  const type = known.find((type) => type === text.toUpperCase());
  if (type !== undefined) return type;
  throw new ConfigError(`Found --type ${text}, wanted ${known.join(", ")}`);
}
