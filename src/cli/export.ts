/**
 * `deno task export`: writes a model or an adapter in the format of another program.
 *
 * @module
 */
import { basename, join } from "node:path";
import { readPeft } from "../adapters/peft/folder.ts";
import { ConfigError } from "../errors.ts";
import { FILE_TYPES, WRITTEN_TYPES } from "../export/gguf/file_types.ts";
import { exportGgufLora } from "../export/gguf_lora.ts";
import { exportGguf, type RoundedMatrix } from "../export/gguf_model.ts";
import { exportMlx } from "../export/mlx.ts";
import type { Exported } from "../export/proven.ts";
import { adapterFolder, baseOf } from "../inference/open.ts";
import { modelfile } from "../export/modelfile.ts";
import { exists, writeText } from "../io/files.ts";
import { isGguf } from "../io/model_files.ts";
import { describeErrors } from "./export/errors.ts";
import { describeKept, measureKept } from "./export/measured.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { modelfileOf } from "./lib/beside.ts";
import { chatTemplateOf } from "./lib/template.ts";
import { answer, dim, say } from "./lib/term.ts";

const FORMATS = {
  gguf: "a whole model for llama.cpp, an adapter merged in",
  "gguf-lora": "an adapter for llama.cpp",
  mlx: "an adapter for mlx-lm",
};

const COMMAND: Command = {
  usage:
    "export MODEL_OR_RUN_OR_ADAPTER --format FORMAT --out PATH [--base MODEL] [--type TYPE] [--text FILE] [--modelfile]",
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
  const { positionals: [given], flags } = parseArguments(COMMAND, args);
  const { out, format, text, json } = flags;
  if (out === undefined) throw new ConfigError(`Found no --out, wanted one: ${COMMAND.usage}`);
  const stray = ["text", "modelfile", "errors"].find((name) => flags[name] !== undefined);
  if (stray !== undefined && !(format === "gguf" && isGguf(out))) {
    throw new ConfigError(
      `Found --${stray}, wanted it with --format gguf and an --out that ends in .gguf`,
    );
  }
  if (flags["template"] !== undefined && flags["modelfile"] === undefined) {
    throw new ConfigError("Found --template, wanted it with --modelfile only");
  }
  const errors: RoundedMatrix[] = [];
  const { base, adapter, type, ...done } = await write(given!, out, format, flags, errors);
  for (const note of done.notes) say(dim(`note: ${note}`));
  const line = `${out}: ${done.tensors} tensors, ${done.bytes} bytes, read back equal`;
  if (!json) answer(line);
  if (flags["errors"] && !json) { for (const line of describeErrors(errors)) answer(line); }
  if (flags["modelfile"] && !json) answer(`${modelfileOf(out)}: ollama create NAME -f it`);
  const kept = text === undefined
    ? null
    : await measureKept({ base: await base(), adapter, out, type }, text);
  const more = { ...(flags["errors"] && { errors }), ...(kept && { kept }) };
  if (json) answer(JSON.stringify({ out, format, ...done, ...more }));
  else if (kept) { for (const line of describeKept(kept)) answer(line); }
  return 0;
}

/** What was written, and what it was made of. */
interface Written extends Exported {
  base(): Promise<string>;
  readonly adapter: string | undefined;
  readonly type: string | undefined;
}

async function write(
  given: string,
  out: string,
  format: string | undefined,
  flags: Readonly<Record<string, string>>,
  errors: RoundedMatrix[],
): Promise<Written> {
  const folder = adapterFolder(given);
  const isAdapter = exists(join(folder, "adapter_config.json"));
  const base = () => fetchFolder(isAdapter ? flags["base"] ?? baseOf(folder) : given, "model");
  const adapter = isAdapter ? readPeft(folder) : undefined;
  const of = (done: Exported, type?: string): Written => ({
    ...{ ...done, base, type, adapter: isAdapter ? folder : undefined },
  });
  if (format === "gguf") {
    const type = typeOf(flags["type"], Object.keys(FILE_TYPES));
    const from = await base();
    const beside = flags["modelfile"] === undefined
      ? undefined
      : modelfile(from, basename(out), chatTemplateOf(flags["template"]));
    if (beside !== undefined && exists(modelfileOf(out))) {
      throw new ConfigError(`Cannot write ${modelfileOf(out)}: it is there already`);
    }
    const rounded = flags["errors"]
      ? (matrix: RoundedMatrix) => void errors.push(matrix)
      : undefined;
    const done = exportGguf(from, out, { type, adapter, rounded });
    if (beside !== undefined) writeText(modelfileOf(out), beside);
    return of(done, type);
  }
  if (!Object.hasOwn(FORMATS, format ?? "")) {
    const wanted = Object.keys(FORMATS).join(", ");
    throw new ConfigError(
      `Found ${format ? `--format ${format}` : "no --format"}, wanted ${wanted}`,
    );
  }
  if (!adapter) throw new ConfigError(`Found a model in ${given}, wanted an adapter for ${format}`);
  const hasTable = adapter.modules.some(({ isTable }) => isTable);
  if (format === "mlx") return of(exportMlx(adapter, out, hasTable ? await base() : undefined));
  const type = typeOf(flags["type"], WRITTEN_TYPES);
  return of(exportGgufLora(await base(), adapter, out, type), type);
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
