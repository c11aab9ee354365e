/**
 * Bytes on the device: what a run takes of them, and what there is.
 *
 * @module
 */
import type { TrainConfig } from "../../config/mod.ts";
import type { Device } from "../../gpu/device.ts";
import type { MemoryParts } from "../../runs/events.ts";
import { mib, totalOf } from "../../runs/panel.ts";

/** Parts of the same name as one. */
export function sumOf(parts: readonly MemoryParts[]): MemoryParts {
  const sum: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, bytes] of Object.entries(part)) sum[name] = (sum[name] ?? 0) + bytes;
  }
  return sum;
}

/** Memory that a run may take. */
export interface MemoryLimit {
  readonly bytes: number;
  /** What says so: `train.memory_gib`. */
  readonly by: string;
  /** Whether others may take of it too. */
  readonly isFree?: true;
}

/** The part of free memory that a run which chooses its own size takes: others need some too. */
const SHARE = 0.75;

/**
 * What a run may take: what it is allowed, or what is free where software Vulkan shares the machine's
 * memory. Null where nobody knows: WebGPU does not say how much memory a GPU has.
 */
export function memoryLimitOf(
  { software }: Pick<Device, "software">,
  { memory_gib: gib }: Pick<TrainConfig, "memory_gib">,
): MemoryLimit | null {
  if (gib !== undefined) return { bytes: gib * 2 ** 30, by: "train.memory_gib" };
  if (!software) return null;
  return { bytes: Deno.systemMemoryInfo().available, by: "the free memory", isFree: true };
}

/** What a run that chooses its own size takes of it at most. */
export const shareOf = ({ bytes, by, isFree }: MemoryLimit): MemoryLimit =>
  isFree
    ? { bytes: SHARE * bytes, by: "three quarters of the free memory", isFree }
    : { bytes, by };

/** @throws {RangeError} where a run takes more than there is. */
export function requireMemory(limit: MemoryLimit | null, memory: MemoryParts): void {
  const bytes = totalOf(memory);
  if (limit === null || bytes <= limit.bytes) return;
  throw new RangeError(
    `The run needs ${mib(bytes)} but ${limit.by} is ${mib(limit.bytes)}; lower ` +
      "train.micro_batch_tokens, set train.recompute or round the base with quantize",
  );
}
