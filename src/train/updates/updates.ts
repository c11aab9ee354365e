/**
 * How updates are made from their replays, and what comes back of them.
 *
 * @module
 */
import { type Arrival, Ring } from "../../gpu/ring.ts";
import type { Session } from "../session.ts";
import type { ReplayTag } from "./log.ts";
import type { Planned } from "./prepare.ts";

/** An update that is planned. */
export interface Update {
  /** Its number, counted from 0. */
  readonly step: number;
  readonly replays: readonly Planned[];
  /** The learning rate. */
  readonly rate: number;
  /** Its number for the optimizer, counted from 1 since the moments were fresh. */
  readonly age: number;
}

/** Makes updates; their losses and norms come some updates later. */
export interface Updates {
  /** Submits an update. */
  make(update: Update): Promise<void>;
  /** What has come since the last call, oldest first. */
  arrived(): Arrival<ReplayTag>[];
  /** The same; where nothing has, something is waited for. */
  next(): Promise<Arrival<ReplayTag>[]>;
  /** Waits for all of it. */
  drain(): Promise<Arrival<ReplayTag>[]>;
  /** Whether work is to end, where one asks; with several ranks all end after the same update. */
  isEnding(wanted: boolean): boolean;
  /** Waits for what is under way, whatever comes of it, and frees all. */
  close(): Promise<void>;
}

/** Updates whose losses are fetched together at most, without a hook that looks back further. */
const GATHERED = 8;

/** Milliseconds between losses that come back, where an update takes no longer. */
const PATIENCE = 1000;

/** Updates of one rank: the gradients add up on the device, which is not waited for. */
export function ownUpdates(session: Session): Updates {
  const { engine: { device }, optimizer, parts, replaysPerUpdate, capacity } = session;
  const lag = Math.max(0, ...parts.map(({ hook }) => hook?.lag ?? 0));
  const slots = Math.max(GATHERED, lag) * replaysPerUpdate;
  const ring = new Ring<ReplayTag>(device, capacity + 1, { slots, most: PATIENCE });
  return {
    async make({ step, replays, rate, age }) {
      for (const [i, { replay, objective }] of replays.entries()) {
        await ring.freeSlot(); // waits only while the GPU is several updates behind
        const isLast = i === replays.length - 1;
        const { losses } = replay;
        const number = step * replaysPerUpdate + i;
        replay.run(number, isLast ? undefined : (encoder) => ring.load(encoder, [losses]));
        optimizer.accumulate(i === 0);
        if (isLast) {
          optimizer.step(rate, age, (encoder) => ring.load(encoder, [losses, optimizer.norm]));
        }
        const normAt = isLast ? losses.size / 4 : null;
        ring.send({ step, rate, objective, tokens: replay.tokens, normAt });
      }
    },
    arrived: () => ring.arrived(),
    next: () => ring.next(),
    drain: () => ring.drain(),
    isEnding: (wanted) => wanted,
    close: () => ring.close(),
  };
}
