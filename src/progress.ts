/**
 * How far long work is. Whoever starts work says who follows it; the work tells where it is, however
 * deep it is, and costs nothing where nobody follows.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Where a piece of work is. */
export interface Progress {
  /** What is done: `encoding rows`. */
  readonly what: string;
  /** How much of it is done. */
  readonly done: number;
  /** Of how much; null where nobody knows. */
  readonly of: number | null;
}

/** Milliseconds between two moments of the same work that are passed on. */
const OFTEN = 100;

interface Following {
  readonly take: (progress: Progress) => void;
  readonly before: string;
}

const followers = new AsyncLocalStorage<Following>();

/**
 * Runs `work`, and all that it begins, and gives `take` where it is: the first that is told of
 * anything, its end, and between them no more than ten moments a second.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const seen: Progress[] = [];
 * followed((progress) => seen.push(progress), () => {
 *   for (let row = 1; row <= 1000; row++) tell("reading rows", row, 1000);
 * });
 * assert.deepEqual(seen.at(-1), { what: "reading rows", done: 1000, of: 1000 });
 * assert.ok(seen.length < 1000);
 * ```
 */
export function followed<T>(take: (progress: Progress) => void, work: () => T): T {
  let last = { what: "", at: 0 };
  const passOn = (progress: Progress) => {
    const { what, done, of } = progress;
    const now = performance.now();
    if (what === last.what && done !== of && now < last.at + OFTEN) return;
    last = { what, at: now };
    take(progress);
  };
  return followers.run({ take: passOn, before: "" }, work);
}

/** Tells where the work under way is. */
export function tell(what: string, done: number, of: number | null = null): void {
  const following = followers.getStore();
  following?.take({ what: following.before + what, done, of });
}

/** Runs `work` as a part of something: all that it tells begins with `what`. */
export function within<T>(what: string, work: () => T): T {
  const following = followers.getStore();
  if (!following) return work();
  return followers.run({ ...following, before: `${following.before}${what}: ` }, work);
}
