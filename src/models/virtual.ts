/**
 * Virtual tokens in front of every document that a model reads.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Adapt } from "./layers/adapt.ts";

/** What says how many there are. */
interface Prepended {
  readonly virtualTokens: number;
}

/** An adapter that changes nothing: virtual tokens that nobody has given embeddings. */
export function unchanging({ virtualTokens: count }: Prepended): Adapt {
  const none = () => undefined;
  const virtual = { count, embeddings: none, attended: none };
  return { virtual, linear: none, lowRank: none, table: none, tensor: none };
}

/** @throws {ConfigError} where there is another number of them already. */
export function refuseOther(before: number, wanted: number): void {
  if (before === 0 || before === wanted) return;
  throw new ConfigError(
    `Found adapters of ${before} and of ${wanted} virtual tokens on one open model, wanted one`,
  );
}

/** @throws {ConfigError} for a graph that would not know what they are. */
export function refuseWithout({ virtualTokens }: Prepended, adapt: Adapt | undefined): void {
  const { count = 0 } = adapt?.virtual ?? {};
  if (count === virtualTokens) return;
  throw new ConfigError(
    `Found ${virtualTokens} virtual tokens in front of every document, and a part that reads the base ` +
      "without them: wanted the adapter alone, for no guard, comparison or reference is built for them",
  );
}
