/**
 * Lines of progress of what may take long.
 *
 * @module
 */

/** Milliseconds from one line to the next. */
export const NOW_AND_THEN = 10_000;

/** Says lines of progress, but most of them not: one in ten seconds, made only then. */
export function nowAndThen(say: (line: string) => void): (line: () => string) => void {
  let last = performance.now();
  return (line) => {
    if (performance.now() < last + NOW_AND_THEN) return;
    say(line());
    last = performance.now();
  };
}
