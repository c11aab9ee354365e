/**
 * Names close to a mistyped one, for error messages.
 *
 * @module
 */

/**
 * The candidates that `name` was most likely meant to be, nearest first: at most `limit`, each
 * within a third of its length in edits, so that nothing far-fetched is offered.
 */
export function nearest(name: string, candidates: Iterable<string>, limit = 3): string[] {
  const most = (candidate: string) => Math.max(1, candidate.length / 3);
  return [...candidates]
    // Each character too many is an edit: a name of a file may have any length.
    .filter((candidate) => Math.abs(candidate.length - name.length) <= most(candidate))
    .map((candidate) => ({ candidate, edits: editDistance(name, candidate) }))
    .filter(({ candidate, edits }) => edits <= most(candidate))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** `, did you mean "x" or "y"` for an error message, or nothing when no candidate is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates).map((candidate) => `"${candidate}"`);
  return near.length === 0 ? "" : `, did you mean ${near.join(" or ")}`;
}

/**
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours that
 * turn `a` into `b`.
 */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? before[j - 2]! + 1 : Infinity;
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1, swap));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
