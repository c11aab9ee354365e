/**
 * Listens for the first signal while the main thread is busy.
 *
 * @module
 */
import { say } from "./term.ts";

/** What the worker is told: where to count, and which signals. */
interface Job {
  readonly count: Int32Array;
  readonly signals: readonly Deno.Signal[];
}

addEventListener("message", (event: Event) => {
  const { count, signals } = (event as MessageEvent<Job>).data;
  const stop = () => {
    Atomics.add(count, 0, 1);
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
    say("stopping at the next safe point; once more ends it at once");
  };
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  (globalThis as unknown as { postMessage(message: null): void }).postMessage(null);
});
