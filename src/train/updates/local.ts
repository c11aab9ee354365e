/**
 * Updates that each rank makes by itself, with an average of all ranks now and then: for links that are
 * too slow for a gradient in every update.
 *
 * After H updates of its own replays a rank differs from where all began, x. The mean over the ranks is
 * taken as an outer update: d = x - mean, v = momentum v + d, x = x - rate (d + momentum v), which is
 * Nesterov's momentum in the form of PyTorch; with rate 1 and momentum 0 it is the mean itself. What the
 * optimiser keeps is averaged too, so that after a round all ranks are alike: a checkpoint of one is
 * that of all.
 *
 * Source: local SGD, Stich, 2018, arXiv 1805.09767; the outer update is that of DiLoCo, Douillard et al.,
 * 2023, arXiv 2311.08105, algorithm 1, which leaves the inner moments to each rank.
 *
 * @module
 */
import type { SumsConfig } from "../../config/mod.ts";
import { ConfigError } from "../../errors.ts";
import { read, upload } from "../../gpu/buffer.ts";
import type { Arrival } from "../../gpu/ring.ts";
import type { Flat, Moment } from "../../graph/store.ts";
import type { Session } from "../session.ts";
import type { ReplayTag } from "./log.ts";
import { OwnReplays, UpdateSums } from "./own.ts";
import type { Sharing } from "./shared.ts";
import type { Update, Updates } from "./updates.ts";

/** Takes the mean of the ranks as an update of the params that they began with, in place. */
export function outerUpdate(
  params: Float32Array,
  mean: Float32Array,
  velocity: Float32Array,
  { outer_lr: rate, outer_momentum: momentum }: Pick<SumsConfig, "outer_lr" | "outer_momentum">,
): void {
  if (rate === 1 && momentum === 0) return params.set(mean);
  for (let i = 0; i < params.length; i++) {
    const moved = params[i]! - mean[i]!;
    velocity[i] = momentum * velocity[i]! + moved;
    params[i]! -= rate * (moved + momentum * velocity[i]!);
  }
}

/**
 * What local updates keep beside an optimiser's own: the momentum of the outer update.
 *
 * @throws {ConfigError} where the optimiser's own are no plain numbers, which no mean can be taken of.
 */
export function outerMoments(
  { local_updates: local, outer_momentum: momentum }: SumsConfig,
  inner: readonly Moment[],
  numbers: number,
): Moment[] {
  if (local === undefined) return [];
  if (inner.some(({ type }) => type !== "f32")) {
    throw new ConfigError(
      `train.local_updates: found ${local} beside moments in 8 bits, wanted an optimiser that keeps ` +
        "plain numbers, of which ranks can take the mean",
    );
  }
  return momentum > 0 ? [{ name: "outer", numbers, type: "f32" }] : [];
}

/**
 * Local updates. Losses, the norm and wishes to stop still go around in every update, a few numbers: so
 * all ranks control and report alike. A stop is heeded where a round ends.
 */
export class LocalUpdates implements Updates {
  readonly #session: Session;
  readonly #sharing: Sharing;
  readonly #every: number;
  readonly #sums: UpdateSums;
  readonly #own: OwnReplays;
  /** The params that the round began with. */
  #anchor: Float32Array | null = null;
  #arrived: Arrival<ReplayTag>[] = [];
  #isWanted = false;
  #isRoundOver = false;
  #waited = 0;

  constructor(session: Session, sharing: Sharing & { readonly local: number }) {
    const { replaysPerUpdate: replays, capacity } = session;
    this.#session = session;
    this.#sharing = sharing;
    this.#every = sharing.local;
    // In place of a gradient its squared norm.
    this.#sums = new UpdateSums({ gradient: 1, replays, capacity, ranks: sharing.ranks.size });
    this.#own = new OwnReplays(session, sharing, this.#sums);
  }

  async make(update: Update): Promise<void> {
    const { engine: { device, store }, optimizer } = this.#session;
    const { ranks } = this.#sharing;
    const sums = this.#sums;
    // Fresh moments: the params have been put back, in all ranks alike.
    if (update.age === 1) this.#anchor = null;
    this.#anchor ??= await this.#read("params");
    sums.begin(ranks.rank, this.#isWanted, this.#waited);
    const gradient = await this.#own.partialSum(update, ranks.rank);
    // Replays are weighed by the tokens of all ranks: one's own are a size-th of them.
    for (let i = 0; i < gradient.length; i++) gradient[i]! *= ranks.size;
    sums.gradient[0] = squares(gradient) / ranks.size;
    upload(device, store.flat("sums"), gradient);
    optimizer.step(update.rate, update.age, () => {});
    const before = ranks.waited;
    await ranks.sum(sums.all);
    this.#isRoundOver = this.#endsRound(update.step + 1);
    if (this.#isRoundOver) await this.#average();
    this.#waited = ranks.waited - before;
    this.#arrived.push(...sums.arrivals(update, sums.gradient[0]));
  }

  /** Whether all ranks are to be alike after so many updates: to be measured, kept or ended too. */
  #endsRound(step: number): boolean {
    const { config: { train: { checkpoint_every: every } }, steps, parts } = this.#session;
    return step % this.#every === 0 || step === steps || (every > 0 && step % every === 0) ||
      parts.some(({ hook, meters = [], sampler }) =>
        hook?.isOver || sampler?.isDue(step) || meters.some((meter) => meter.isDue(step))
      );
  }

  async #average(): Promise<void> {
    const { engine: { store }, config: { train } } = this.#session;
    const kept = store.moments.map(({ name }) => name);
    for (const name of kept.filter((name) => name !== "outer")) {
      this.#write(name, await this.#mean(name));
    }
    const mean = await this.#mean("params");
    const hasMomentum = kept.includes("outer");
    const velocity = hasMomentum ? await this.#read("outer") : new Float32Array(mean.length);
    outerUpdate(this.#anchor!, mean, velocity, train);
    if (hasMomentum) this.#write("outer", velocity);
    this.#write("params", this.#anchor!);
  }

  async #mean(name: Flat): Promise<Float32Array> {
    const { ranks } = this.#sharing;
    const numbers = await this.#read(name);
    await ranks.sum(numbers);
    for (let i = 0; i < numbers.length; i++) numbers[i]! /= ranks.size;
    return numbers;
  }

  /** A flat buffer; of the params those that are trained. */
  async #read(name: Flat): Promise<Float32Array> {
    const { device } = this.#session.engine;
    return new Float32Array((await read(device, this.#slice(name))).buffer);
  }

  #write(name: Flat, numbers: Float32Array): void {
    upload(this.#session.engine.device, this.#slice(name), numbers);
  }

  #slice(name: Flat) {
    const { store } = this.#session.engine;
    const slice = store.flat(name);
    return name === "params" ? { ...slice, size: store.flat("gradients").size } : slice;
  }

  arrived(): Arrival<ReplayTag>[] {
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }

  next(): Promise<Arrival<ReplayTag>[]> {
    return this.drain();
  }

  drain(): Promise<Arrival<ReplayTag>[]> {
    return Promise.resolve(this.arrived());
  }

  isEnding(wanted: boolean): boolean {
    this.#isWanted ||= wanted;
    return this.#isRoundOver && this.#sums.isEnding;
  }

  async close(): Promise<void> {
    await this.#own.close();
  }
}

const squares = (numbers: Float32Array): number => numbers.reduce((sum, x) => sum + x * x, 0);
