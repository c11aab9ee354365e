/**
 * A command in its worker, with what permissions it was given.
 *
 * @module
 */
import { useTemporaryMark } from "../io/files.ts";
import { main } from "./commands.ts";
import { withSignals } from "./lib/signals.ts";
import type { Job } from "./permissions/confine.ts";

/** Commands that take Ctrl-C to mean something else. */
const OWN_SIGNALS = ["chat", "serve", "watch"];

/** The part of a worker's scope that is used here. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(code: number): void;
};

scope.onmessage = async ({ data: { args, mark } }) => {
  useTemporaryMark(mark);
  const work = () => main(args);
  scope.postMessage(OWN_SIGNALS.includes(args[0]!) ? await work() : await withSignals(work));
};
