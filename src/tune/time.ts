/**
 * Timing tiles in turns.
 *
 * @module
 */
import process from "node:process";
import { createBuffer, destroyBuffer, read, whole } from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";

/** Something to time: its replays are submitted and not waited for. */
export interface Timed {
  readonly tile: string;
  replay(): void;
}

/** Milliseconds of `count` replays, waiting for them included. */
export type Timer = (work: Timed, count: number, wait: () => Promise<void>) => Promise<number>;

/** A round of one tile lasts about this long. */
const ROUND_MS = 20;
const ROUNDS = 5;
/** Replays of a round at most, where they are too short to be measured. */
const MOST_REPLAYS = 64;

/** Wall time; on software Vulkan CPU time, which neighbours disturb less. */
export function timerOf({ software }: Device): Timer {
  const now = () => {
    if (!software) return performance.now();
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  return async (work, count, wait) => {
    const start = now();
    for (let i = 0; i < count; i++) work.replay();
    await wait();
    return now() - start;
  };
}

/** Milliseconds of a replay of each, the median of rounds that take turns. */
export async function timeInTurns(
  device: Device,
  works: readonly Timed[],
  timer: Timer,
): Promise<Map<string, number>> {
  const word = createBuffer(device, 16, "word");
  const wait = async () => void await read(device, whole(word));
  const rounds = works.map((): number[] => []);
  const first = works[0] && await timer(works[0], 1, wait);
  const count = Math.min(MOST_REPLAYS, Math.max(1, Math.round(ROUND_MS / (first ?? 1))));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, work] of works.entries()) {
      rounds[i]!.push(await timer(work, count, wait) / count);
    }
  }
  destroyBuffer(device, word);
  return new Map(works.map(({ tile }, i) => [tile, median(rounds[i]!)]));
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
