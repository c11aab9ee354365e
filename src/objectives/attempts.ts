/**
 * The count of tests on the same documents: whoever tests again and again until one passes has not
 * shown what a single test shows.
 *
 * @module
 */

/** What is tested. */
export interface TestSubject {
  /** Hashes of the documents that it is tested on. */
  readonly documents: readonly string[];
  /** A hash of all that decides how the test ends: the same test again is not another. */
  readonly key: string;
}

/** A test among those on any of its documents. */
export interface Attempt {
  /** Counted from 1. */
  readonly number: number;
  /** How many of those before it have failed, or never ended. */
  readonly failed: number;
}

/** Where tests are counted. */
export interface AttemptLedger {
  /** How many tests on any of some documents have failed so far; null where nobody can say. */
  failed(documents: readonly string[]): number | null;
  /** Counts a test before its documents are looked at; null where it cannot be counted. */
  begin(subject: TestSubject): Attempt | null;
  /** Says how the test that was begun last has ended. */
  end(passed: boolean): void;
}
