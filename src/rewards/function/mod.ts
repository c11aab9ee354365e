/**
 * A function of the user's file as a reward. The file is a stranger: it runs in a thread without
 * permissions, and it ends in time.
 *
 * @module
 */
import { basename } from "node:path";
import { FileError } from "../../errors.ts";
import { readText } from "../../io/files.ts";
import { type Answered, type Reward, rowOf } from "../reward.ts";
import type { FunctionReward } from "../settings.ts";
import type { Ask, Begin, Fault, Scores } from "./protocol.ts";

/** Milliseconds beyond its limit after which a thread that stops nothing itself is given up. */
const PATIENCE = 2000;

/** Milliseconds that a thread may take to begin. */
const BEGIN = 60_000;

/** How a thread is begun that may touch nothing. */
export const ALONE = { type: "module", deno: { permissions: "none" } } as WorkerOptions;

/**
 * Opens the function of a file.
 *
 * @throws {FileError} where the file is no TypeScript, imports something or has no function.
 */
export async function functionReward({ path, timeout }: FunctionReward): Promise<Reward> {
  const begin: Begin = {
    source: readText(path),
    name: basename(path),
    limit: Math.ceil(1000 * timeout),
    calls: new SharedArrayBuffer(4),
  };
  const thread = new Thread(begin.limit, begin.calls);
  await thread.ask({ answers: [] }, BEGIN);
  const begun = await thread.ask(begin);
  if ("fault" in begun) {
    thread.end();
    throw new FileError(`Cannot use ${path} as a reward: it ${begun.fault}`);
  }
  return {
    name: begin.name.replace(/\.\w+$/, ""),
    async score(answers) {
      const asked = answers.map(({ prompt, completion, row }) =>
        JSON.stringify({ prompt, completion, row })
      );
      const found = await thread.ask({ answers: asked });
      if ("scores" in found) return found.scores;
      throw faultOf(path, answers, found);
    },
    close: () => thread.end(),
  };
}

function faultOf(path: string, answers: readonly Answered[], { fault, at }: Fault): FileError {
  const where = at === null ? "" : `${rowOf(answers[at]!)}: `;
  return new FileError(`${where}the reward ${path} ${fault}, wanted a finite number`);
}

/** A thread that is asked one thing at a time. */
class Thread {
  readonly #worker: Worker;
  readonly #calls: Int32Array;
  /** Why nothing can be asked any more; null where it can. */
  #end: string | null = null;

  constructor(private readonly limit: number, calls: SharedArrayBuffer) {
    this.#calls = new Int32Array(calls);
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), ALONE);
  }

  /** What it answers, or that it does not. */
  async ask(said: Begin | Ask, patience = this.limit + PATIENCE): Promise<Fault | Scores> {
    if (this.#end !== null) return { fault: this.#end, at: null };
    const before = this.#returned;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise((resolve) => {
        const giveUp = (fault: string) => {
          const at = "answers" in said
            ? Math.min(this.#returned - before, said.answers.length - 1)
            : null;
          this.end(fault);
          resolve({ fault, at });
        };
        const watch = (seen: number) => {
          timer = setTimeout(() => {
            const now = this.#returned;
            if (now === seen) giveUp(`did not end within ${this.limit / 1000} s`);
            else watch(now);
          }, patience);
        };
        this.#worker.onmessage = ({ data }: MessageEvent<Fault | Scores>) => resolve(data);
        this.#worker.onerror = (event) => {
          event.preventDefault();
          giveUp(`threw ${JSON.stringify(event.message)}`);
        };
        watch(before);
        this.#worker.postMessage(said);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the thread; one that runs on has to wait for the end of the process. */
  end(why = "is closed"): void {
    this.#end ??= why;
    this.#worker.terminate();
  }

  get #returned(): number {
    return Atomics.load(this.#calls, 0);
  }
}
