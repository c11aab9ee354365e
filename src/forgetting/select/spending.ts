/**
 * How sure a test must be where others on the same documents have failed before.
 *
 * Tests are made one after another, at the level delta (2/3) (1/3)^f where f of those before have
 * failed; one that passes costs nothing. That any of them passes wrongly has a probability of at most
 * delta: before the first that does, each test that should fail has failed, so the j-th of those is
 * made at a level of at most delta (2/3) (1/3)^(j - 1), whatever the others come to, and all of these
 * levels add up to delta (the union bound; a fallback procedure, Wiens and Dmitrienko, 2005, which
 * orders tests and passes on what a rejection leaves). It wants that an adapter does not depend on
 * what the certificate's documents have shown beyond which tests passed.
 *
 * @module
 */

/** The part that a test spends of what failed ones have left. */
const SPENT = 2 / 3;

/** The level of a test on documents on which so many have failed before. */
export const levelAfter = (failed: number, delta: number): number =>
  delta * SPENT * (1 - SPENT) ** failed;
