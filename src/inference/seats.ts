/**
 * Which sequence takes which slot of the caches, so that a beginning that several have in common is
 * read once and copied.
 *
 * @module
 */
import { type BatchDecoder, scoredFrom, type Sequence } from "./decoder.ts";

/** Fewer tokens are read again as fast as they are copied. */
const LEAST_SHARED = 8;

/** What a slot holds of a sequence. */
interface Held {
  readonly slot: number;
  readonly tokens: number;
}

/** Gives slots to sequences that wait. */
export class Seats<S extends Sequence> {
  /** The last sequence of each slot: what it has cached is there until another takes the slot. */
  readonly #last = new Map<number, S>();

  constructor(private readonly decoder: Pick<BatchDecoder, "slots" | "copyPrefix">) {}

  /**
   * Fills free slots from those that wait, in their order but for one that waits for its beginning to
   * be read by another.
   *
   * @param active by slot; those that take a slot are added, and taken out of `waiting`.
   */
  fill(active: Map<number, S>, waiting: S[]): void {
    for (let slot = 0; slot < this.decoder.slots; slot++) {
      if (active.has(slot)) continue;
      const near = waiting.slice(0, this.decoder.slots); // looking at all would take long
      const next = near.findIndex((sequence) => !this.#isAwaited(sequence, active));
      if (next < 0) return;
      const [sequence] = waiting.splice(next, 1);
      this.#seat(slot, sequence!);
      active.set(slot, sequence!);
    }
  }

  #seat(slot: number, sequence: S): void {
    const held = this.#longestHeld(sequence);
    if (held && held.tokens >= LEAST_SHARED) {
      if (held.slot !== slot) this.decoder.copyPrefix(held.slot, slot, held.tokens);
      sequence.cached = held.tokens;
    }
    this.#last.set(slot, sequence);
  }

  /** Whether one under way is about to hold much more of a sequence's beginning than any slot does. */
  #isAwaited(sequence: S, active: ReadonlyMap<number, S>): boolean {
    const held = this.#longestHeld(sequence)?.tokens ?? 0;
    return active.values().some((other) => {
      const shared = sharedLength(sequence, other);
      return other.cached < shared && shared >= held + LEAST_SHARED;
    });
  }

  #longestHeld(sequence: S): Held | null {
    let longest: Held | null = null;
    for (const [slot, other] of this.#last) {
      const tokens = Math.min(other.cached, sharedLength(sequence, other));
      if (tokens > (longest?.tokens ?? 0)) longest = { slot, tokens };
    }
    return longest;
  }
}

/** Tokens that two sequences begin with, but for those that the first reads for their scores. */
function sharedLength(sequence: Sequence, { ids: others, reader }: Sequence): number {
  if (sequence.reader !== reader) return 0;
  const { ids } = sequence;
  const most = Math.min(scoredFrom(sequence), others.length);
  let length = 0;
  while (length < most && ids[length] === others[length]) length++;
  return length;
}
