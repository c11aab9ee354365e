/**
 * Updates that ranks share: each runs a part of the replays, and one sum over all ranks makes the
 * gradient whole.
 *
 * An update's gradient is the sum of P partial sums. Replay i belongs to partial sum i % P, which adds
 * its replays up in order; the partial sums are added in a balanced tree. Rank r of n has the P / n
 * partial sums from r * P / n on. With P = n rank r has every n-th replay; and as P / n is a power of
 * two, a rank's own are a subtree: every number of ranks makes the same additions.
 *
 * @module
 */
import type { SumsConfig } from "../../config/mod.ts";
import { Communicator } from "../../distributed/communicator.ts";
import { sumPairwise } from "../../distributed/pairwise.ts";
import { inProcess } from "../../distributed/transport.ts";
import { ConfigError } from "../../errors.ts";
import { upload } from "../../gpu/buffer.ts";
import { type Arrival, Ring } from "../../gpu/ring.ts";
import type { Session } from "../session.ts";
import type { ReplayTag } from "./log.ts";
import { OwnReplays, UpdateSums } from "./own.ts";
import type { Update, Updates } from "./updates.ts";

/** Ranks that share updates, and how many partial sums an update's gradient is made of. */
export interface Sharing {
  readonly ranks: Communicator;
  readonly partialSums: number;
  /** Updates that each rank makes by itself between two averages; null where all are made together. */
  readonly local: number | null;
}

/**
 * How updates of so many replays are shared; null where one process makes them in one sum.
 *
 * @throws {ConfigError} where the partial sums cannot be dealt to the ranks, or there are too many.
 */
export function sharingOf(
  together: Communicator | null,
  { partial_sums: given, local_updates: local }: SumsConfig,
  replays: number,
): Sharing | null {
  if (local !== undefined) refuseLocal(local, together, given);
  const ranks = together ?? new Communicator(inProcess(1)[0]!, Infinity);
  const partialSums = given ?? ranks.size;
  const found = given === undefined
    ? `Found ${ranks.size} ranks`
    : `train.partial_sums: found ${given} beside ${ranks.size} ${
      ranks.size > 1 ? "ranks" : "rank"
    }`;
  if (partialSums > replays) {
    throw new ConfigError(
      `${found}, wanted at most ${replays}, the micro-batches of an update: tokens_per_batch / ` +
        "micro_batch_tokens of train, and those of a guard",
    );
  }
  if (!Number.isInteger(Math.log2(partialSums / ranks.size))) {
    throw new ConfigError(`${found}, wanted as many, or twice, four times, ... as many, as ranks`);
  }
  return partialSums > 1 ? { ranks, partialSums, local: local ?? null } : null;
}

function refuseLocal(local: number, ranks: Communicator | null, sums: number | undefined): void {
  const found = `train.local_updates: found ${local}`;
  if (!ranks || ranks.size === 1) {
    throw new ConfigError(
      `${found} in one process, wanted ranks that average: mpirun -n 2 or more`,
    );
  }
  if (sums !== undefined && sums !== ranks.size) {
    throw new ConfigError(
      `${found} beside train.partial_sums ${sums}, wanted none: each rank sums its own micro-batches`,
    );
  }
}

/** Updates that are shared by ranks. Each waits for its gradient: the library sums on the host. */
export class SharedUpdates implements Updates {
  readonly #session: Session;
  readonly #sharing: Sharing;
  readonly #sums: UpdateSums;
  readonly #own: OwnReplays;
  /** Norms, with all else that is known of their updates. */
  readonly #norms: Ring<readonly Arrival<ReplayTag>[]>;
  #arrived: Arrival<ReplayTag>[] = [];
  #isWanted = false;
  /** Seconds in which this rank has waited for others in the update before. */
  #waited = 0;

  constructor(session: Session, sharing: Sharing) {
    const { engine: { device, store }, replaysPerUpdate: replays, capacity } = session;
    this.#session = session;
    this.#sharing = sharing;
    const gradient = store.flat("sums").size / 4;
    this.#sums = new UpdateSums({ gradient, replays, capacity, ranks: sharing.ranks.size });
    this.#own = new OwnReplays(session, sharing, this.#sums);
    this.#norms = new Ring(device, 1, { slots: 2 });
  }

  async make(update: Update): Promise<void> {
    const { engine: { device, store }, optimizer } = this.#session;
    const { ranks } = this.#sharing;
    const sums = this.#sums;
    sums.begin(ranks.rank, this.#isWanted, this.#waited);
    sums.gradient.set(await this.#ownSum(update));
    const before = ranks.waited;
    await ranks.sum(sums.all);
    this.#waited = ranks.waited - before;
    upload(device, store.flat("sums"), sums.gradient);
    // Those of the update before: always one update later, in every rank alike.
    this.#take(await this.#norms.drain());
    await this.#norms.freeSlot();
    const { norm } = optimizer;
    optimizer.step(update.rate, update.age, (encoder) => this.#norms.load(encoder, [norm]));
    this.#norms.send(this.#sums.arrivals(update));
  }

  /** Runs this rank's replays; the sum of its partial sums. */
  async #ownSum(update: Update): Promise<Float32Array> {
    const { ranks: { rank, size }, partialSums } = this.#sharing;
    const own = partialSums / size;
    const sums: Float32Array[] = [];
    for (let of = rank * own; of < (rank + 1) * own; of++) {
      sums.push(await this.#own.partialSum(update, of));
    }
    return sumPairwise(sums);
  }

  #take(norms: readonly Arrival<readonly Arrival<ReplayTag>[]>[]): void {
    for (const { tag: arrivals, values: [norm] } of norms) {
      const { tag: { normAt }, values } = arrivals.at(-1)!;
      values[normAt!] = norm!;
      this.#arrived.push(...arrivals);
    }
  }

  arrived(): Arrival<ReplayTag>[] {
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }

  next(): Promise<Arrival<ReplayTag>[]> {
    return this.drain();
  }

  async drain(): Promise<Arrival<ReplayTag>[]> {
    this.#take(await this.#norms.drain());
    return this.arrived();
  }

  /** The wish goes with the next update; what all have wished came with this one. */
  isEnding(wanted: boolean): boolean {
    this.#isWanted ||= wanted;
    return this.#sums.isEnding;
  }

  async close(): Promise<void> {
    await Promise.all([this.#own.close(), this.#norms.close()]);
  }
}
