/**
 * Signals that ask a command to end: Ctrl-C, a polite kill, a terminal that goes away.
 *
 * @module
 */
import { stoppable } from "../../stop.ts";

/** Those of this system. */
export const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** The exit code of work that was stopped. */
export const STOPPED = 130;

/**
 * Runs `work` so that the first signal lets it end at the next place that is safe, and the second ends
 * the process at once. Signals are taken by a worker: a loop that computes, or waits for the GPU, would
 * keep this thread from hearing of them. The worker counts them in shared memory, and after the first it
 * no longer listens, so that the next does what it does by default.
 */
export async function withSignals<T>(work: () => Promise<T>): Promise<T> {
  const count = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./signal_worker.ts", import.meta.url), { type: "module" });
  worker.postMessage({ count, signals: SIGNALS });
  await new Promise((resolve) => worker.onmessage = resolve); // from now on signals are heard
  const stop = {
    get aborted() {
      return Atomics.load(count, 0) > 0;
    },
  };
  try {
    return await stoppable(stop, work);
  } finally {
    worker.terminate();
  }
}
