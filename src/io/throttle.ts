/**
 * Lines of progress of what may take long.
 *
 * @module
 */

/** Milliseconds from one line to the next. */
export const PROGRESS_MS = 10_000;

/** Passes on one line in ten seconds, which is made only then, and drops the others. */
export function throttle(log: (line: string) => void): (line: () => string) => void {
  let last = performance.now();
  return (line) => {
    if (performance.now() < last + PROGRESS_MS) return;
    log(line());
    last = performance.now();
  };
}
