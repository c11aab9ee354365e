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
import { Communicator } from "../../distributed/communicator.ts";
import { sumPairwise } from "../../distributed/pairwise.ts";
import { inProcess } from "../../distributed/transport.ts";
import { ConfigError } from "../../errors.ts";
import { read, upload } from "../../gpu/buffer.ts";
import { type Arrival, Ring } from "../../gpu/ring.ts";
import type { Session } from "../session.ts";
import type { ReplayTag } from "./log.ts";
import type { Planned } from "./prepare.ts";
import type { Update, Updates } from "./updates.ts";

/** Ranks that share updates, and how many partial sums an update's gradient is made of. */
export interface Sharing {
  readonly ranks: Communicator;
  readonly partialSums: number;
}

/**
 * How updates of so many replays are shared; null where one process makes them in one sum.
 *
 * @throws {ConfigError} where the partial sums cannot be dealt to the ranks, or there are too many.
 */
export function sharingOf(
  together: Communicator | null,
  given: number | undefined,
  replays: number,
): Sharing | null {
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
  return partialSums > 1 ? { ranks, partialSums } : null;
}

/** The numbers of an update that are summed over the ranks, one part after the other. */
class Numbers {
  readonly all: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array;
  readonly #losses: Float32Array;
  readonly #wishes: Float32Array;
  readonly #waits: Float32Array;

  constructor(
    readonly sizes: { gradient: number; replays: number; capacity: number; ranks: number },
  ) {
    const { gradient, replays, capacity, ranks } = sizes;
    this.all = new Float32Array(gradient + replays * capacity + 1 + ranks);
    let end = 0;
    const part = (length: number) => this.all.subarray(end, end += length);
    this.gradient = part(gradient);
    this.#losses = part(replays * capacity);
    this.#wishes = part(1);
    this.#waits = part(ranks);
  }

  /** Where the losses of a replay lie. */
  losses(replay: number, count: number): Float32Array {
    const begin = replay * this.sizes.capacity;
    return this.#losses.subarray(begin, begin + count);
  }

  /** Begins an update: a rank says whether it is to end, and how long it has waited. */
  begin(rank: number, isEnding: boolean, waited: number): void {
    this.all.fill(0);
    this.#wishes[0] = Number(isEnding);
    this.#waits[rank] = waited;
  }

  get isEnding(): boolean {
    return this.#wishes[0]! > 0;
  }

  /** The longest that a rank has waited, in seconds, and the rank that it was for: it waited least. */
  get waits(): { waited: number; slowest_rank: number } {
    const slowest = this.#waits.indexOf(Math.min(...this.#waits));
    return { waited: Math.max(...this.#waits), slowest_rank: slowest };
  }
}

/** Updates that are shared by ranks. Each waits for its gradient: the library sums on the host. */
export class SharedUpdates implements Updates {
  readonly #session: Session;
  readonly #sharing: Sharing;
  readonly #numbers: Numbers;
  /** Losses of this rank's replays, by their numbers in the update. */
  readonly #losses: Ring<number>;
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
    this.#numbers = new Numbers({ gradient, replays, capacity, ranks: sharing.ranks.size });
    this.#losses = new Ring(device, capacity, { slots: replays });
    this.#norms = new Ring(device, 1, { slots: 2 });
  }

  async make(update: Update): Promise<void> {
    const { engine: { device, store }, optimizer } = this.#session;
    const { ranks } = this.#sharing;
    const numbers = this.#numbers;
    numbers.begin(ranks.rank, this.#isWanted, this.#waited);
    numbers.gradient.set(await this.#ownSum(update));
    const before = ranks.waited;
    await ranks.sum(numbers.all);
    this.#waited = ranks.waited - before;
    upload(device, store.flat("sums"), numbers.gradient);
    // Those of the update before: always one update later, in every rank alike.
    this.#take(await this.#norms.drain());
    await this.#norms.freeSlot();
    const { norm } = optimizer;
    optimizer.step(update.rate, update.age, (encoder) => this.#norms.load(encoder, [norm]));
    this.#norms.send(this.#arrivals(update));
  }

  /** Runs this rank's replays; the sum of its partial sums. */
  async #ownSum({ step, replays }: Update): Promise<Float32Array> {
    const { ranks: { rank, size }, partialSums } = this.#sharing;
    const own = partialSums / size;
    const sums: Float32Array[] = [];
    for (let of = rank * own; of < (rank + 1) * own; of++) {
      sums.push(await this.#partialSum(step, replays, of));
    }
    return sumPairwise(sums);
  }

  async #partialSum(step: number, replays: readonly Planned[], of: number): Promise<Float32Array> {
    const { engine: { device, store }, optimizer, replaysPerUpdate } = this.#session;
    if (of >= replays.length) return new Float32Array(this.#numbers.gradient.length);
    for (let i = of; i < replays.length; i += this.#sharing.partialSums) {
      const { replay } = replays[i]!;
      await this.#losses.freeSlot();
      replay.run(
        step * replaysPerUpdate + i,
        (encoder) => this.#losses.load(encoder, [replay.losses]),
      );
      optimizer.accumulate(i === of);
      this.#losses.send(i);
    }
    const [came, sum] = await Promise.all([
      this.#losses.drain(),
      read(device, store.flat("sums")),
    ]);
    for (const { tag, values } of came) this.#numbers.losses(tag, values.length).set(values);
    return new Float32Array(sum.buffer);
  }

  /** What has come of an update, but for the norm of its gradient, which is the last of the numbers. */
  #arrivals({ step, replays, rate }: Update): Arrival<ReplayTag>[] {
    const { waits } = this.#numbers;
    return replays.map(({ replay: { losses, tokens }, objective }, i) => {
      const count = losses.size / 4;
      const normAt = i === replays.length - 1 ? count : null;
      const values = new Float32Array(count + 1);
      values.set(this.#numbers.losses(i, count));
      return { tag: { step, rate, objective, tokens, normAt, fields: waits }, values };
    });
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
    return this.#numbers.isEnding;
  }

  async close(): Promise<void> {
    await Promise.all([this.#losses.close(), this.#norms.close()]);
  }
}
