/**
 * `deno task push`: uploads an adapter or a merged model to the hub, with a model card.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { isOfAdapterHub } from "../adapters/peft/adapter_hub_config.ts";
import { readPeft } from "../adapters/peft/folder.ts";
import { ConfigError, FileError } from "../errors.ts";
import { UNCERTIFIED } from "../forgetting/part.ts";
import { cardEvidence, forgettingOf } from "../forgetting/report/card.ts";
import { adapterFolder } from "../adapters/saved.ts";
import { copiedFiles, openCheckpoint } from "../io/checkpoint.ts";
import { exists, readJsonObject } from "../io/files.ts";
import { cachedName, hubSettings, parseRepoName, upload, type UploadFile } from "../io/hub/mod.ts";
import { pathInside } from "../io/inside.ts";
import { isRunFolder, runFiles } from "../runs/folder.ts";
import { type CardSubject, modelCard } from "../runs/model_card.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { answer, dim, say } from "./lib/term.ts";

const COMMAND: Command = {
  usage:
    "push RUN_OR_ADAPTER_OR_MERGED OWNER/NAME [--private] [--dry-run] [--base-model OWNER/NAME]",
  summary:
    "Uploads an adapter or a merged model to the hub with a model card, which is generated " +
    "unless the folder has a README.md. Data, checkpoints and logs stay here.",
  flags: {
    private: { type: "boolean", help: "nobody else may see the repository" },
    "dry-run": { type: "boolean", help: "list what would go, show the card, and upload nothing" },
    "base-model": { type: "string", help: "name of the base on the hub, where the run has a path" },
    run: { type: "string", help: "folder of the run, for the card of what lies elsewhere" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [2, 2],
  config: false,
};

const CARD = "README.md";

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [given, repo], flags } = parseArguments(COMMAND, args);
  const files = filesToPush(adapterFolder(given!), repo!, flags);
  const list = files.map(({ name, content }) => ({ name, bytes: sizeOf(content) }));
  if (flags["dry-run"]) {
    if (flags["json"]) answer(JSON.stringify({ repo, files: list }));
    else showPlan(list, files);
    return 0;
  }
  const url = await upload({
    repo: repo!,
    files,
    title: "Upload with Graft",
    isPrivate: "private" in flags,
    settings: hubSettings(),
    say: (line) => say(dim(line)),
  });
  if (flags["json"]) answer(JSON.stringify({ repo, url, files: list }));
  else answer(url);
  return 0;
}

type Flags = Readonly<Record<string, string>>;

/** The files by name, nothing else; what they hold is checked first. */
function filesToPush(folder: string, repo: string, flags: Flags): UploadFile[] {
  const isAdapter = exists(join(folder, "adapter_config.json"));
  const { files, base, dtypes } = isAdapter
    ? { ...adapterFiles(folder, flags), dtypes: [] }
    : modelFiles(folder, flags);
  if (exists(join(folder, CARD))) return [...files, fileOf(folder, CARD)];
  const run = runFolderOf(folder, flags);
  const report = run === undefined ? null : forgettingOf(run);
  const evidence = report && cardEvidence(report, dtypes);
  const card = modelCard({ ...base, repo, run, ...(evidence && { evidence }) });
  return [...files, { name: CARD, content: { text: card } }];
}

type Base = Omit<CardSubject, "repo" | "run" | "evidence">;

/** Weights as they are; the config names the base so that others find it. */
function adapterFiles(folder: string, flags: Flags): { files: UploadFile[]; base: Base } {
  const path = join(folder, "adapter_config.json");
  refuseEmpty(folder, flags);
  const { baseModel, config } = readPeft(folder);
  if (isOfAdapterHub(config)) {
    throw new FileError(`Cannot push ${folder}: it is in AdapterHub's format, wanted PEFT's`);
  }
  const { repo: base, revision } = baseOnHub(baseModel, config["revision"], flags, path);
  const named = { ...config, base_model_name_or_path: base, revision: revision ?? null };
  const text = `${JSON.stringify(named, null, 2)}\n`;
  const files = [
    { name: "adapter_config.json", content: { text } },
    fileOf(folder, "adapter_model.safetensors"),
  ];
  const hasEncoder = config["task_type"] === "SEQ_2_SEQ_LM";
  return { files, base: { kind: "adapter", hasEncoder, base, revision } };
}

/** Where the guard certified the base alone, `adapter` has no strength and changes nothing. */
function refuseEmpty(folder: string, flags: Flags): void {
  const run = runFolderOf(folder, flags);
  if (run === undefined || forgettingOf(run)?.chosen.strength !== 0) return;
  if (resolve(folder) !== resolve(run, "adapter")) return;
  throw new FileError(
    `Cannot push ${folder}: the guard certified only the base, so this adapter changes nothing, ` +
      `what was trained is in ${join(run, UNCERTIFIED)}`,
  );
}

/** Config, weights and tokenizer, and what the weights are in. */
function modelFiles(
  folder: string,
  flags: Flags,
): { files: UploadFile[]; base: Base; dtypes: string[] } {
  using checkpoint = openCheckpoint(folder);
  const weights = checkpoint.files().map((path) => path.slice(join(folder, "/").length));
  const small = ["config.json", "model.safetensors.index.json"]
    .filter((name) => exists(join(folder, name)));
  const run = runFolderOf(folder, flags);
  const model = run === undefined ? "" : readJsonObject(runFiles(run).config)["model"];
  const { repo: base, revision } = baseOnHub(String(model), undefined, flags, folder);
  const files = [...small, ...copiedFiles(folder), ...weights].map((name) => fileOf(folder, name));
  const hasEncoder = checkpoint.config["is_encoder_decoder"] === true;
  const dtypes = [...new Set([...checkpoint.tensors.values()].map(({ dtype }) => dtype))].sort();
  return { files, base: { kind: "model", hasEncoder, base, revision }, dtypes };
}

/** The base's name on the hub: nobody else has the paths of this machine. */
function baseOnHub(
  named: string,
  revision: unknown,
  flags: Flags,
  where: string,
): { repo: string; revision?: string | undefined } {
  const given = flags["base-model"];
  const found = parseRepoName(given ?? named);
  if (found) {
    const pin = given === undefined && typeof revision === "string" ? revision : undefined;
    return { repo: found.repo, revision: found.revision ?? pin };
  }
  const cached = given === undefined ? cachedName(named) : undefined;
  if (cached) return { repo: cached.repo, revision: cached.commit };
  if (given !== undefined) {
    throw new ConfigError(
      `Found --base-model ${given}, wanted the name of a repository as owner/name`,
    );
  }
  const has = named === "" ? "no base" : `the base "${named}", which is no name on the hub`;
  throw new ConfigError(`${where} names ${has}; give --base-model OWNER/NAME`);
}

/** The run that the card tells of: the one named, or the one whose folder holds `folder`. */
function runFolderOf(folder: string, { run }: Flags): string | undefined {
  const found = run ?? join(folder, "..");
  if (isRunFolder(found)) return found;
  if (run === undefined) return undefined;
  throw new FileError(`Cannot read ${run}: it is no folder of a run`);
}

function fileOf(folder: string, name: string): UploadFile {
  return { name, content: { path: pathInside(folder, name) } };
}

function sizeOf(content: UploadFile["content"]): number {
  return "path" in content
    ? Deno.statSync(content.path).size
    : new TextEncoder().encode(content.text).length;
}

function showPlan(list: readonly { name: string; bytes: number }[], files: readonly UploadFile[]) {
  const width = Math.max(...list.map(({ bytes }) => String(bytes).length));
  for (const { name, bytes } of list) answer(`${String(bytes).padStart(width)} bytes  ${name}`);
  const card = files.at(-1)!.content;
  if ("text" in card) answer(`\n${card.text}`);
}
