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
  Atomics.store(answer, 0, answerOf(source, flags, text));
  Atomics.notify(answer, 0);
};

function answerOf(source: string, flags: string, text: string): number {
  try {
    return new RegExp(source, flags).test(text) ? ANSWER.yes : ANSWER.no;
  } catch {
    return ANSWER.none;
  }
}
