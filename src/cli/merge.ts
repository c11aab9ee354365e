/**
 * `deno task merge`: merges an adapter into its base, and proves the result on the device.
 *
 * @module
 */
import { resolve } from "node:path";
import { mergeAdapter, type MergeDtype } from "../adapters/merge.ts";
import { ConfigError } from "../errors.ts";
import { adapterFolder, baseOf } from "../generate/open.ts";
import { proveMerge } from "../generate/prove_merge.ts";
import { openDevice } from "../gpu/device.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import { exists, onDisk } from "../io/files.ts";
import { type Command, parseArguments } from "./args.ts";
import { fetchFolder } from "./hub.ts";
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
  const merged = mergeAdapter(base, adapter, unproven, dtype ? { dtype } : {});
  say(dim("comparing the merged model with base and adapter"));
  const { words, ...proof } = await proveMerge(device, { base, adapter, merged: unproven });
  onDisk(`Cannot write ${out}`, () => {
    if (exists(out)) Deno.removeSync(out);
    Deno.renameSync(unproven, out);
  });
  if (json) answer(JSON.stringify({ out, base, tensors: merged.length, ...proof }));
  else answer(`${out}: ${merged.length} tensors merged; ${words}`);
  return 0;
}

function dtypeOf(text: string | undefined): MergeDtype | undefined {
  if (text === undefined || text === "F32" || text === "BF16" || text === "F16") return text;
  throw new ConfigError(`Found --dtype ${text}, wanted F32, BF16 or F16`);
}
