/**
 * Lines that are typed or piped in, and Ctrl-C.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";

/** Lines of standard input, one at a time. */
export interface Lines extends Disposable {
  /** The next line, after a prompt on a terminal; null where there is none. */
  next(prompt: string): Promise<string | null>;
  /** Lets no more lines come. */
  end(): void;
}

/**
 * Opens standard input. On a terminal lines can be edited, and those before come back with the arrow
 * keys.
 *
 * @param onInterrupt is called at Ctrl-C, which does nothing else.
 */
export function openLines(onInterrupt: () => void): Lines {
  const isTerminal = Deno.stdin.isTerminal();
  const input = createInterface({
    input: process.stdin,
    terminal: isTerminal,
    ...(isTerminal && { output: process.stderr }),
  });
  const queue: string[] = [];
  let isOpen = true;
  let wake = () => {};
  input.on("line", (line) => {
    queue.push(line);
    wake();
  });
  input.on("close", () => {
    isOpen = false;
    wake();
  });
  let isWaiting = false;
  input.on("SIGINT", () => { // a terminal whose lines are edited sends no signal
    onInterrupt();
    if (isWaiting && isOpen) input.prompt();
  });
  Deno.addSignalListener("SIGINT", onInterrupt);
  return {
    async next(prompt) {
      if (isTerminal && isOpen) {
        input.setPrompt(prompt);
        input.prompt();
      }
      isWaiting = true;
      while (queue.length === 0 && isOpen) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      isWaiting = false;
      return queue.shift() ?? null;
    },
    end() {
      queue.length = 0;
      input.close();
    },
    [Symbol.dispose]() {
      input.close();
      Deno.removeSignalListener("SIGINT", onInterrupt);
    },
  };
}
