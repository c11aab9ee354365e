/**
 * Timing: work that is queued many times over without waiting, in rounds that take turns.
 *
 * @module
 */
import process from "node:process";
import type { Device } from "../gpu/device.ts";
import { heed } from "../stop.ts";

/** Something to time. */
export interface Work {
  readonly name: string;
  /** Submits the work and does not wait for the device. */
  replay(): void | Promise<void>;
  /** How many times over one replay does the work, 1 by default; all figures are for one time. */
  readonly times?: number;
  readonly flops?: number;
  readonly tokens?: number;
  /** Something to say of the results, asked for once all is timed. */
  note?(): Promise<string>;
  /** Ends what goes on beside it. */
  close?(): Promise<void>;
}

/** What one work took. */
export interface Measurement {
  readonly name: string;
  /** Wall time in milliseconds: the median round and the best. */
  readonly ms: number;
  readonly best_ms: number;
  /** CPU time of this process in milliseconds, the median round. */
  readonly cpu_ms: number;
  /** Billions of operations a second of the median round and the best, and of one CPU second. */
  readonly gflops?: number;
  readonly best_gflops?: number;
  readonly gflop_per_cpu_second?: number;
  readonly tokens_per_second?: number;
  readonly note?: string;
}

interface Round {
  readonly ms: number;
  readonly cpuMs: number;
}

/** A batch lasts about this long, so that the 10 ms that one wait costs weigh little. */
const BATCH_MS = 400;

/**
 * Times works in `rounds` that take turns, so that a change of the machine's load hits all alike.
 * The first replay of each is not timed: drivers compile at the first dispatch.
 */
export async function measure(
  device: Device,
  works: readonly Work[],
  rounds: number,
): Promise<Measurement[]> {
  try {
    return await measureAll(device, works, rounds);
  } finally {
    for (const work of works) await work.close?.();
  }
}

async function measureAll(
  device: Device,
  works: readonly Work[],
  rounds: number,
): Promise<Measurement[]> {
  const counts: number[] = [];
  for (const work of works) {
    await batch(device, work, 1);
    const { ms } = await batch(device, work, 2);
    counts.push(Math.max(1, Math.round(BATCH_MS / (ms * (work.times ?? 1)))));
  }
  const taken = works.map((): Round[] => []);
  for (let round = 0; round < rounds; round++) {
    heed();
    for (const [i, work] of works.entries()) taken[i]!.push(await batch(device, work, counts[i]!));
  }
  const measurements: Measurement[] = [];
  for (const [i, work] of works.entries()) {
    const note = await work.note?.();
    measurements.push({ ...summarise(work, taken[i]!), ...(note === undefined ? {} : { note }) });
  }
  return measurements;
}

/** Times `count` replays. */
async function batch(device: Device, work: Work, count: number): Promise<Round> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const waits = work.replay();
    if (waits) await waits;
  }
  await device.idle();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const times = count * (work.times ?? 1);
  return { ms: ms / times, cpuMs: (user + system) / 1000 / times };
}

function summarise({ name, flops, tokens }: Work, taken: readonly Round[]): Measurement {
  const ms = median(taken.map((round) => round.ms));
  const best = Math.min(...taken.map((round) => round.ms));
  const cpuMs = median(taken.map((round) => round.cpuMs));
  return {
    name,
    ms,
    best_ms: best,
    cpu_ms: cpuMs,
    ...(flops === undefined ? {} : {
      gflops: flops / ms / 1e6,
      best_gflops: flops / best / 1e6,
      gflop_per_cpu_second: flops / cpuMs / 1e6,
    }),
    ...(tokens === undefined ? {} : { tokens_per_second: 1000 * tokens / ms }),
  };
}

/** The middle one of some numbers; the upper one where there are two. */
function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}
