/**
 * What one rendering may cost. Templates come from strangers: a loop of few steps can still copy a long
 * text many times or double a list, so work is counted where it is done, not by steps alone.
 *
 * @module
 */

/** Units of one rendering: an expression evaluated, an item made or looked at, or some characters. */
const MOST_UNITS = 4_000_000;
/** Characters that are made or looked at for a unit. */
const CHARACTERS = 16;
/** Of one text, the result included. */
const MOST_CHARACTERS = 20_000_000;

/** Outside of a rendering nothing is counted. */
let left = Infinity;

/** Runs `render` with a budget of its own; what it needs beyond that is a RangeError. */
export function withBudget<T>(render: () => T): T {
  const before = left;
  left = MOST_UNITS;
  try {
    return render();
  } finally {
    left = before;
  }
}

/** @throws {RangeError} where the budget does not reach. */
export function spend(units = 1): void {
  left -= units;
  if (left < 0) throw new RangeError(`more work than ${MOST_UNITS} steps`);
}

/**
 * Pays for a text that is about to be made or searched.
 *
 * @throws {RangeError} where it is longer than any text may be, or the budget does not reach.
 */
export function spendText(characters: number): void {
  checkLength(characters);
  spend(characters / CHARACTERS);
}

/** @throws {RangeError} where a text is longer than any may be. */
export function checkLength(characters: number): void {
  if (characters <= MOST_CHARACTERS) return;
  throw new RangeError(`a text of more than ${MOST_CHARACTERS} characters`);
}
