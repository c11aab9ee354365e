/**
 * The proof of a merge: the merged folder computes what base and adapter compute.
 *
 * @module
 */
import type { MergeDtype } from "../adapters/merge.ts";
import { FileError } from "../errors.ts";
import type { Device } from "../gpu/device.ts";
import { openCheckpoint } from "../io/checkpoint.ts";
import { Model } from "../models/model.ts";
import { openModel } from "./open.ts";
import { type Distance, distance, scoresOf } from "./scores.ts";

/** The folders of a merge. */
export interface MergeFolders {
  readonly base: string;
  readonly adapter: string;
  readonly merged: string;
  /** Hears what is worth saying of the base. */
  readonly say?: ((line: string) => void) | undefined;
}

/** How close a merge came, in numbers and in words. */
export interface MergeProof extends Distance {
  readonly words: string;
}

/** What the proof runs on; ids from all over the vocabulary follow it. */
const PROBE = "Once upon a time there was a little girl who had 12 apples. She gave 5 of them to " +
  'her friend and said: "Which is larger, 7 or 12?" Below is an instruction that describes a task.';

/**
 * Merged and unmerged f32 weights differ only in the order of sums, whose rounding is a share of what
 * is summed: so much of the largest logit. stories260K shows 4e-7 of it, SmolLM2-135M 3.9e-6.
 */
const F32_BOUND = 1e-5;
/** The largest relative error of rounding to 16 bits, and how many of them the logits may show. */
const ROUNDING = { BF16: 2 ** -9, F16: 2 ** -12 };
const ROUNDINGS = 8;

/**
 * Compares the logits of a merged folder, read from the disk, with those of base and adapter, with
 * one model at a time on the device.
 *
 * @throws {FileError} where they lie further apart than rounding explains.
 */
export async function proveMerge(device: Device, folders: MergeFolders): Promise<MergeProof> {
  const { base, adapter, merged } = folders;
  const ids = probeIds(base);
  const reference = await scoresIn(device, ids, { folder: base, adapter, say: folders.say });
  const found = distance(reference, await scoresIn(device, ids, { folder: merged }));
  const { holds, words } = judge(found, coarsestDtype(merged));
  if (!holds) throw new FileError(`Cannot trust ${merged}: ${words}`);
  return { ...found, words };
}

async function scoresIn(
  device: Device,
  ids: readonly number[],
  { folder, adapter, say }: { folder: string; adapter?: string } & Pick<MergeFolders, "say">,
) {
  using open = openModel(device, folder, adapter, say ? { say } : {});
  return await scoresOf(open, ids);
}

function probeIds(base: string): number[] {
  using model = new Model(base);
  const { config: { context, vocabSize }, tokenizer: { addsBos, bos, encode } } = model;
  const text = [...(addsBos ? [bos!] : []), ...encode(PROBE)].slice(0, 64);
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
 * (stories260K shows 1.6 of them); mergeAdapter() has compared every byte already.
 */
function judge({ largest, size, relative }: Distance, dtype: MergeDtype) {
  const found = `the largest difference of logits is ${largest.toExponential(1)}`;
  if (dtype === "F32") {
    const most = F32_BOUND * size;
    return {
      holds: largest <= most,
      words: `${found}, at most ${most.toExponential(1)} is due to F32`,
    };
  }
  const most = ROUNDINGS * ROUNDING[dtype];
  const share = `${relative.toExponential(1)} of their size`;
  return {
    holds: relative <= most,
    words: `${found}, on average ${share}, at most ${most.toExponential(1)} is due to ${dtype}`,
  };
}
