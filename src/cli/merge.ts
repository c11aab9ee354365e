/**
 * `deno task merge`: merges an adapter into its base, and proves the result on the device.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { mergeAdapter, type MergeDtype } from "../adapters/merge.ts";
import { readPeft } from "../adapters/peft.ts";
import { ConfigError, FileError } from "../errors.ts";
import { adapterFolder, openModel } from "../generate/open.ts";
import { type Distance, distance, scoresOf } from "../generate/scores.ts";
import { type Device, openDevice } from "../gpu/device.ts";
import { openCheckpoint, refuseOccupied } from "../io/checkpoint.ts";
import { exists, onDisk } from "../io/files.ts";
import { Model } from "../models/model.ts";
import { encoderOf } from "../train/setup.ts";
import { type Command, parseArguments } from "./args.ts";
import { answer, dim, say } from "./term.ts";

const COMMAND: Command = {
  usage: "merge RUN_OR_ADAPTER --out DIR [--base MODEL] [--dtype F32|BF16|F16]",
  summary:
    "Merges a LoRA adapter into its base, reads the result back from the disk and compares " +
    "its logits with those of base and adapter.",
  flags: {
    out: { type: "string", help: "folder of the merged model" },
    base: { type: "string", help: "base model; the one that the adapter names by default" },
    dtype: { type: "string", help: "F32, BF16 or F16; as the base has it by default" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, 1],
  config: false,
};

/** Merged and unmerged differ only in the order of f32 sums. */
const F32_BOUND = 1e-4;
/** The largest relative error of rounding to 16 bits, and how many of them the logits may show. */
const ROUNDING = { BF16: 2 ** -9, F16: 2 ** -12 };
const ROUNDINGS = 8;

/** What the proof runs on; ids from all over the vocabulary follow it. */
const PROBE = "Once upon a time there was a little girl who had 12 apples. She gave 5 of them to " +
  'her friend and said: "Which is larger, 7 or 12?" Below is an instruction that describes a task.';

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [given], flags } = parseArguments(COMMAND, args);
  const { out, json } = flags;
  if (out === undefined) throw new ConfigError(`Found no --out, wanted one: ${COMMAND.usage}`);
  const dtype = dtypeOf(flags["dtype"]);
  const adapter = adapterFolder(given!);
  const base = flags["base"] ?? baseOf(adapter);
  refuseOccupied(out);

  // Under another name until it is proven, so that nobody takes a wrong model for a merged one.
  const unproven = `${resolve(out)}.unproven`;
  say(dim(`merging ${adapter} into ${base}`));
  const merged = mergeAdapter(base, adapter, unproven, dtype ? { dtype } : {});
  say(dim("comparing the merged model with base and adapter"));
  using device = await openDevice();
  const proof = await prove(device, { base, adapter, merged: unproven });
  if (!proof.holds) throw new FileError(`Cannot trust ${unproven}: ${proof.words}`);
  onDisk(`Cannot write ${out}`, () => {
    if (exists(out)) Deno.removeSync(out);
    Deno.renameSync(unproven, out);
  });
  if (json) {
    const { largest, relative } = proof;
    answer(JSON.stringify({ out, base, tensors: merged.length, largest, relative }));
  } else answer(`${out}: ${merged.length} tensors merged; ${proof.words}`);
  return 0;
}

function dtypeOf(text: string | undefined): MergeDtype | undefined {
  if (text === undefined || text === "F32" || text === "BF16" || text === "F16") return text;
  throw new ConfigError(`Found --dtype ${text}, wanted F32, BF16 or F16`);
}

/** The base that the adapter names, by a path from here or from the adapter's folder. */
function baseOf(adapter: string): string {
  const { baseModel } = readPeft(adapter);
  const folder = [baseModel, join(adapter, baseModel)]
    .find((path) => baseModel !== "" && exists(join(path, "config.json")));
  if (folder !== undefined) return folder;
  const named = baseModel === "" ? "no base" : `the base "${baseModel}", which is no folder here`;
  throw new ConfigError(`${join(adapter, "adapter_config.json")} names ${named}; give --base`);
}

interface Folders {
  readonly base: string;
  readonly adapter: string;
  readonly merged: string;
}

/** Compares logits, with one model at a time on the device. */
async function prove(device: Device, { base, adapter, merged }: Folders) {
  const ids = probeIds(base);
  const reference = await scoresIn(device, ids, base, adapter);
  const found = distance(reference, await scoresIn(device, ids, merged));
  return { ...found, ...judge(found, coarsestDtype(merged)) };
}

async function scoresIn(device: Device, ids: readonly number[], folder: string, adapter?: string) {
  using open = openModel(device, folder, adapter);
  return await scoresOf(open, ids);
}

function probeIds(base: string): number[] {
  using model = new Model(base);
  const { context, vocabSize } = model.config;
  const { bos, encode } = encoderOf(model);
  const text = [...(bos === null ? [] : [bos]), ...encode(PROBE)].slice(0, 64);
  const spread = Array.from({ length: 16 }, (_, i) => Math.floor(i * vocabSize / 16));
  return [...text, ...spread].slice(0, context);
}

function coarsestDtype(folder: string): MergeDtype {
  using checkpoint = openCheckpoint(folder);
  const stored = new Set(checkpoint.tensors.values().map(({ dtype }) => dtype));
  return (["BF16", "F16"] as const).find((dtype) => stored.has(dtype)) ?? "F32";
}

/**
 * Whether the logits lie close enough. The adapter stays f32 beside its base but is rounded with
 * the weight that it is merged into, so a 16-bit result is held to a multiple of that rounding
 * (stories260K: 1.6 times); mergeAdapter() has compared every byte already.
 */
function judge({ largest, relative }: Distance, dtype: MergeDtype) {
  const found = `the largest difference of logits is ${largest.toExponential(1)}`;
  if (dtype === "F32") {
    return { holds: largest <= F32_BOUND, words: `${found}, at most ${F32_BOUND} is due to f32` };
  }
  const most = ROUNDINGS * ROUNDING[dtype];
  const share = `${relative.toExponential(1)} of their size`;
  return {
    holds: relative <= most,
    words: `${found}, on average ${share}, at most ${most.toExponential(1)} is due to ${dtype}`,
  };
}
