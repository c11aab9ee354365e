/**
 * Work that every rank of a run comes to in the same order: pieces of it are dealt to the ranks, and what
 * depends on one machine alone is decided by rank 0. However deep the work is, it need not know of ranks:
 * where there are none each piece is its own.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { StoppedError } from "../errors.ts";
import type { Stop } from "../stop.ts";
import { requireAgreement } from "./agreement.ts";
import type { Communicator } from "./communicator.ts";

/** Ranks that do the same work. */
interface Dealing {
  readonly ranks: Communicator;
  /** What may end it in one of them, and then in all; null where something else sees to that. */
  readonly stop: Stop | null;
}

const dealings = new AsyncLocalStorage<Dealing | null>();

/** Runs `work`, and all that it begins, as that of all ranks, which call this alike; alone where null. */
export function dealtTo<T>(
  ranks: Communicator | null,
  work: () => T,
  stop: Stop | null = null,
): T {
  return dealings.run(ranks && ranks.size > 1 ? { ranks, stop } : null, work);
}

/** What rank 0 decides, in every rank: a value that JSON holds. The others do not call `decide`. */
export async function firstDecides<T>(decide: () => T): Promise<T> {
  const ranks = dealings.getStore()?.ranks;
  if (!ranks) return decide();
  const bytes = ranks.rank === 0 ? new TextEncoder().encode(JSON.stringify(decide())) : null;
  return JSON.parse(new TextDecoder().decode(await ranks.fromFirst(bytes)));
}

/** Whether something is so in every rank. */
export async function isInAll(isHere: boolean): Promise<boolean> {
  const ranks = dealings.getStore()?.ranks;
  return ranks ? (await ranks.gather(String(isHere))).every((said) => said === "true") : isHere;
}

/** Pieces of work that are dealt in turn. */
export interface Deal {
  /** Whether there are ranks, so that {@link complete} waits for them. */
  readonly isShared: boolean;
  /** Whether this rank does that piece. */
  isOwn(piece: number): boolean;
  /** The numbers of all pieces, from those of one's own, which are as many as was said. */
  complete(numbers: readonly (Float32Array | undefined)[]): Promise<Float32Array[]>;
}

const ALONE: Deal = {
  isShared: false,
  isOwn: () => true,
  complete: (numbers) => Promise.resolve(numbers.map((of) => of!)),
};

/**
 * Deals pieces of work to the ranks.
 *
 * @param sizes how many numbers come of each.
 * @throws {ConfigError} where the ranks do not come to the same pieces.
 * @throws {StoppedError} in all, where one is to stop.
 */
export async function deal(sizes: readonly number[]): Promise<Deal> {
  const dealing = dealings.getStore();
  if (!dealing) return ALONE;
  const { ranks, stop } = dealing;
  await requireAgreement(ranks, {
    "the number of rows that are measured": sizes.length,
    "the number of numbers that are measured of them": sizes.reduce((sum, size) => sum + size, 0),
  });
  if (stop && !await isInAll(!stop.aborted)) throw new StoppedError("Stopped");
  const { rank, size } = ranks;
  return {
    isShared: true,
    isOwn: (piece) => piece % size === rank,
    async complete(numbers) {
      const lengths: number[] = Array(size).fill(0);
      for (const [piece, length] of sizes.entries()) lengths[piece % size]! += length;
      const parts = lengths.map((length) => new Float32Array(length));
      const ends: number[] = Array(size).fill(0);
      const places = sizes.map((length, piece) => {
        const of = piece % size;
        return parts[of]!.subarray(ends[of]!, ends[of]! += length);
      });
      for (const [piece, place] of places.entries()) {
        if (piece % size === rank) place.set(numbers[piece]!);
      }
      await ranks.collect(parts);
      return places;
    },
  };
}
