/**
 * What more of the budget would buy of the task.
 *
 * @module
 */
import type { Measures } from "./select.ts";

/** Forgetting grows about with the square of the strength: these are a tenth less and more of it. */
const [WEAKER, STRONGER] = [Math.sqrt(0.9), Math.sqrt(1.1)];

/** Standard errors that forgetting must exceed, for a tenth of it to mean something. */
const KNOWN = 3;

/**
 * What a tenth more of the budget would buy of the task's loss, in nats a token, at least 0: the slope
 * of the one over the other as the strength changes about what is chosen. Where a run has settled,
 * every way to forget a little more has the same slope. Of several budgets the one counts that is
 * spent the most.
 *
 * @returns null where a stronger adapter forgets no more, or so little that it may be chance: the
 * slope would be one of noise.
 */
export async function marginalGainOf(
  measures: Measures,
  epsilons: readonly number[],
  step: number,
  strength: number,
): Promise<number | null> {
  const at = async (strength: number) => {
    const shifts = await measures.shifts(step, strength);
    const spent = Math.max(...shifts.map(({ mean }, i) => mean / epsilons[i]!));
    const isKnown = shifts.some(({ mean, se }, i) =>
      mean / epsilons[i]! === spent && mean > KNOWN * se
    );
    return { spent, isKnown, task: await measures.task(step, strength) };
  };
  const [less, more] = [await at(strength * WEAKER), await at(strength * STRONGER)];
  if (more.spent <= less.spent || !more.isKnown) return null;
  return Math.max(0, 0.1 * (less.task - more.task) / (more.spent - less.spent));
}
