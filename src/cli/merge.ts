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
import { distance, scoresOf } from "../generate/scores.ts";
import { type Device, openDevice } from "../gpu/device.ts";
import { openCheckpoint, refuseOccupied } from "../io/checkpoint.ts";
import { exists, onDisk } from "../io/files.ts";
import { Model } from "../models/model.ts";
import { encoderOf } from "../train/setup.ts";
import { type Command, parseArguments } from "./args.ts";
import { answer, dim, say } from "./term.ts";

const COMMAND: Command = {
  usage: "merge RUN_OR_ADAPTER --out DIR [--base MODEL] [--dtype F32|BF16|F16]",
  summary: "Merges a LoRA adapter into its base, reads the result back from the disk and compares " +
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

/** What the proof runs on; ids from all over the vocabulary follow it. */
const PROBE = "Once upon a time there was a little girl who had 12 apples. She gave 5 of them to " +
  'her friend and said: "Which is larger, 7 or 12?" Below is an instruction that describes a task.';
const PROBE_TOKENS = 64;

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

/** Compares logits, one model on the device after the other. */
async function prove(device: Device, { base, adapter, merged }: Folders) {
  const ids = probeIds(base);
  using apart = openModel(device, base, adapter);
  const reference = await scoresOf(apart, ids);
  apart.engine.store.destroy();
  using together = openModel(device, merged);
  const { largest, relative } = distance(reference, await scoresOf(together, ids));
  const bound = boundOf(merged);
  const holds = bound.kind === "largest" ? largest <= bound.most : relative <= bound.most;
  const found = bound.kind === "largest" ? "" : `, root mean square ${relative.toExponential(1)}`;
  const words = `the largest difference of its logits from base and adapter is ${
    largest.toExponential(1)
  }${found}, ${bound.words}`;
  return { holds, largest, relative, words };
}
