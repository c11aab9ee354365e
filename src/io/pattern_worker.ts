/**
 * Tests a pattern in a thread of its own: whoever waits for it can give up.
 *
 * @module
 */
import { ANSWER, type PatternTask } from "./pattern.ts";

/** The part of a worker's scope that is used here. */
const scope = globalThis as unknown as { onmessage: (event: MessageEvent<PatternTask>) => void };

scope.onmessage = ({ data: { state, source, flags, text } }) => {
  const answer = new Int32Array(state);
  const found = answer.length > 1
    ? placesIn(source, flags, text, answer)
    : answerOf(source, flags, text);
  Atomics.store(answer, 0, found);
  Atomics.notify(answer, 0);
};

function answerOf(source: string, flags: string, text: string): number {
  try {
    return new RegExp(source, flags).test(text) ? ANSWER.yes : ANSWER.no;
  } catch {
    return ANSWER.none;
  }
}

/** Writes where all matches and their groups lie. */
function placesIn(source: string, flags: string, text: string, into: Int32Array): number {
  let count = 0;
  for (const { indices } of text.matchAll(new RegExp(source, `${flags}d`))) {
    for (const place of indices!) into.set(place ?? [-1, -1], 2 + 2 * count++);
  }
  into[1] = 2 * count;
  return ANSWER.yes;
}
