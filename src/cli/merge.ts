/**
 * `deno task merge`: merges an adapter into its base, and proves the result on the device.
 *
 * @module
 */
import { resolve } from "node:path";
import { mergeAdapter, type MergeDtype } from "../adapters/merge.ts";
import { ConfigError } from "../errors.ts";
import { adapterFolder, baseOf } from "../adapters/saved.ts";
import { proveMerge } from "../inference/prove_merge.ts";
import { openDevice } from "../gpu/device.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import { remove, rename } from "../io/folders.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { answer, dim, say } from "./lib/term.ts";
import { heed, orStopped } from "../stop.ts";

const COMMAND: Command = {
  usage: "merge RUN_OR_ADAPTER --out DIR [--base MODEL] [--dtype F32|BF16|F16] [--untie]",
  summary:
    "Merges a LoRA adapter into its base, reads the result back from the disk and compares " +
    "its logits with those of base and adapter.",
  flags: {
    out: { type: "string", help: "folder of the merged model" },
    base: { type: "string", help: "base model; the one that the adapter names by default" },
    dtype: { type: "string", help: "F32, BF16 or F16; as the base has it by default" },
    "shard-size": { type: "string", help: "largest weight file, as 500MB or 5GB; 5GB by default" },
    untie: {
      type: "boolean",
      help: "give embedding and head that share a tensor one each, as an adapter on one needs",
    },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, 1],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [given], flags } = parseArguments(COMMAND, args);
  const { out, json } = flags;
  if (out === undefined) throw new ConfigError(`Found no --out, wanted one: ${COMMAND.usage}`);
  const dtype = dtypeOf(flags["dtype"]);
  refuseOccupied(out);
  const adapter = adapterFolder(await fetchFolder(given!, "adapter"));
  const base = await fetchFolder(flags["base"] ?? baseOf(adapter), "model");

  using device = await openDevice();
  // Under another name until it is proven, so that nobody takes a wrong model for a merged one.
  const unproven = `${resolve(out)}.unproven`;
  say(dim(`merging ${adapter} into ${base}`));
  const { changed, lost, worst } = mergeAdapter(base, adapter, unproven, {
    ...(dtype && { dtype }),
    untie: flags["untie"] !== undefined,
    ...(flags["shard-size"] !== undefined && { maxShardBytes: bytesOf(flags["shard-size"]) }),
  });
  say(dim("comparing the merged model with base and adapter"));
  const folders = { base, adapter, merged: unproven, say };
  const proven = await orStopped(() => proveMerge(device, folders));
  if (proven === null) {
    remove(unproven);
    heed();
  }
  const { words, ...proof } = proven!;
  rename(unproven, out);
  if (json) answer(JSON.stringify({ out, base, tensors: changed.length, lost, worst, ...proof }));
  else {
    const part = `rounding took ${percent(lost)} of the update, at most ${percent(worst.lost)}`;
    answer(`${out}: ${changed.length} tensors merged; ${part} (${worst.name}); ${words}`);
  }
  return 0;
}

const percent = (share: number) => `${(100 * share).toPrecision(2)} %`;

/** A size as Hugging Face writes it, in powers of ten. */
function bytesOf(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([KMG])B$/i.exec(text) ?? [];
  const power = { K: 1e3, M: 1e6, G: 1e9 }[unit?.toUpperCase() ?? ""];
  if (power !== undefined) return Number(number) * power;
  throw new ConfigError(`Found --shard-size ${text}, wanted a size such as 500MB or 5GB`);
}

function dtypeOf(text: string | undefined): MergeDtype | undefined {
  if (text === undefined || text === "F32" || text === "BF16" || text === "F16") return text;
  throw new ConfigError(`Found --dtype ${text}, wanted F32, BF16 or F16`);
}
