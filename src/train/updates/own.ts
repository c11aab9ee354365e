/**
 * What a rank does of an update by itself, and the numbers that come of it.
 *
 * @module
 */
import { read } from "../../gpu/buffer.ts";
import { type Arrival, Ring } from "../../gpu/ring.ts";
import type { Session } from "../session.ts";
import type { ReplayTag } from "./log.ts";
import type { Sharing } from "./shared.ts";
import type { Update } from "./updates.ts";

/** The numbers of an update that are summed over the ranks, one part after the other. */
export class UpdateSums {
  readonly all: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array;
  readonly #losses: Float32Array;
  readonly #stopRequests: Float32Array;
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
    this.#stopRequests = part(1);
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
    this.#stopRequests[0] = Number(isEnding);
    this.#waits[rank] = waited;
  }

  get isEnding(): boolean {
    return this.#stopRequests[0]! > 0;
  }

  /** The longest that a rank has waited, in seconds, and the rank that it was for: it waited least. */
  get waits(): { waited: number; slowest_rank: number } {
    const slowest = this.#waits.indexOf(Math.min(...this.#waits));
    return { waited: Math.max(...this.#waits), slowest_rank: slowest };
  }

  /** What has come of an update, with that squared norm of its gradient, or room for it. */
  arrivals({ step, replays, rate }: Update, squares = NaN): Arrival<ReplayTag>[] {
    const { waits } = this;
    return replays.map(({ replay: { losses, tokens }, objective }, i) => {
      const count = losses.size / 4;
      const normAt = i === replays.length - 1 ? count : null;
      const values = new Float32Array(count + 1);
      values.set(this.losses(i, count));
      values[count] = squares;
      return { tag: { step, rate, objective, tokens, normAt, fields: waits }, values };
    });
  }
}

/** The replays of one rank. */
export class OwnReplays {
  /** Losses, by the numbers of the replays in the update. */
  readonly #losses: Ring<number>;

  constructor(
    private readonly session: Session,
    private readonly sharing: Sharing,
    private readonly numbers: UpdateSums,
  ) {
    const { engine: { device }, replaysPerUpdate: slots, capacity } = session;
    this.#losses = new Ring(device, capacity, { slots });
  }

  /** Runs the replays of a partial sum, puts their losses among the numbers and gives the sum. */
  async partialSum({ step, replays }: Update, of: number): Promise<Float32Array> {
    const { engine: { device, store }, optimizer, replaysPerUpdate } = this.session;
    if (of >= replays.length) return new Float32Array(store.flat("sums").size / 4);
    for (let i = of; i < replays.length; i += this.sharing.partialSums) {
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
    for (const { tag, values } of came) this.numbers.losses(tag, values.length).set(values);
    return new Float32Array(sum.buffer);
  }

  /** Waits for what is under way and frees all. */
  async close(): Promise<void> {
    await this.#losses.close();
  }
}
