/**
 * What all ranks must have alike, looked at before anything depends on it.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Communicator } from "./communicator.ts";

/** What a rank goes by, by the names that a person knows it by. */
export type Facts = Readonly<Record<string, unknown>>;

/**
 * Compares the facts of all ranks.
 *
 * @throws {ConfigError} in every rank the same, with the first fact in which one differs from rank 0.
 */
export async function requireAgreement(ranks: Communicator, facts: Facts): Promise<void> {
  const [first, ...others] = (await ranks.gather(JSON.stringify(facts)))
    .map((text): Facts => JSON.parse(text));
  for (const [i, other] of others.entries()) {
    for (const name of new Set([...Object.keys(first!), ...Object.keys(other)])) {
      const [here, there] = [first![name], other[name]].map((value) => JSON.stringify(value));
      if (here === there) continue;
      throw new ConfigError(
        `Ranks disagree: ${name} is ${here ?? "unset"} in rank 0 and ${there ?? "unset"} in rank ${
          i + 1
        }, wanted the same in all`,
      );
    }
  }
}
