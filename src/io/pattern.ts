/**
 * Regular expressions from files: whatever they say, they end. Those that can backtrack for long are
 * tried in a thread of its own, with a limit of time.
 *
 * @module
 */
import { FileError } from "../errors.ts";

/** What a worker is asked. */
export interface PatternTask {
  /**
   * 32-bit numbers that it answers in: which answer it is and, where there is more room, how many
   * numbers follow, which are where each match and each of its groups begin and end, -1 for none.
   */
  readonly state: SharedArrayBuffer;
  readonly source: string;
  readonly flags: string;
  readonly text: string;
}

/** What it answers; 0 is nothing yet, `none` that it is no regular expression. */
export const ANSWER = { no: 1, yes: 2, none: 3 } as const;

/** Milliseconds that a pattern may take, and that a worker may take to begin on a crowded machine. */
const LIMIT_MS = 1000;
const BEGIN_MS = 120_000;

/** Repetitions without bound in a pattern of short texts: each multiplies what it may take by them. */
const MOST_REPEATS = 4;

/**
 * Whether a pattern matches somewhere in a short text.
 *
 * @throws {SyntaxError} where it is no regular expression.
 * @throws {FileError} where it takes longer than a second.
 */
export function matches(source: string, text: string): boolean {
  const pattern = new RegExp(source);
  if (isSimple(source)) return pattern.test(text);
  const answer = ask(source, "", text);
  if (answer !== undefined) return answer === ANSWER.yes;
  throw new FileError(
    `Cannot use the pattern ${JSON.stringify(source)}: it takes more than ${LIMIT_MS} ms on ` +
      `"${text}", wanted one that does not repeat what is repeated already`,
  );
}

/**
 * Refuses a pattern that backtracks for ever on texts of one character over and over, as one that
 * repeats what is repeated already does.
 *
 * @param from where it stands, for the message.
 * @throws {FileError}
 */
export function refuseEndless(source: string, from: string): void {
  if (isSimple(source, Infinity)) return;
  for (const sign of probesOf(source)) {
    const answer = ask(source, "u", `${sign.repeat(40)}\u0001`);
    if (answer !== undefined) continue;
    throw new FileError(
      `Cannot use ${from}: its pattern ${JSON.stringify(source)} takes more than ${LIMIT_MS} ms ` +
        `on 40 times ${
          JSON.stringify(sign)
        }, wanted one that does not repeat what is repeated already`,
    );
  }
}

/** A match, and its groups; a group that has none is undefined. */
export type Found = readonly [match: string, ...groups: (string | undefined)[]] & {
  /** Where it begins. */
  readonly index: number;
};

/**
 * All matches of a pattern in a text, as `matchAll` has them.
 *
 * @throws {SyntaxError} where it is no regular expression.
 * @throws {FileError} where it takes longer than a second.
 */
export function findAll(source: string, text: string): Found[] {
  const pattern = new RegExp(source, "g");
  if (isSimple(source, 1)) return [...text.matchAll(pattern)] as unknown as Found[];
  const width = 2 * new RegExp(`${source}|`).exec("")!.length;
  const state = new Int32Array(new SharedArrayBuffer(8 + 4 * width * (text.length + 1)));
  if (ask(source, "g", text, state.buffer) === undefined) {
    throw new FileError(
      `Cannot use the pattern ${JSON.stringify(source)}: it takes more than ${LIMIT_MS} ms on a ` +
        `text of ${text.length} characters, wanted one that does not repeat what is repeated already`,
    );
  }
  const numbers = state.subarray(2, 2 + state[1]!);
  return Array.from({ length: numbers.length / width }, (_, match) => {
    const at = (i: number) => numbers[match * width + i]!;
    const groups = Array.from(
      { length: width / 2 },
      (_, i) => at(2 * i) < 0 ? undefined : text.slice(at(2 * i), at(2 * i + 1)),
    );
    return Object.assign(groups, { index: at(0) }) as unknown as Found;
  });
}

/** Whether no group is repeated without bound, nothing is referred back to, and little is repeated. */
function isSimple(source: string, most = MOST_REPEATS): boolean {
  const plain = source.replace(/\\[^]/g, (escape) => /[1-9k]/.test(escape[1]!) ? "\\1" : "x")
    .replace(/\[[^\]]*\]/g, "x");
  if (plain.includes("\\1") || /\)(?:[*+]|\{\d+,\}|\{\d*,?\d{2,}\})/.test(plain)) return false;
  return (plain.match(/[*+]|\{\d+,\}/g)?.length ?? 0) <= most;
}

/** Characters that a pattern may repeat: those it names, and one of each kind. */
function probesOf(source: string): string[] {
  const named = source.match(/[A-Za-z0-9]/g) ?? [];
  return [...new Set([...named, ..."aA1 \n.'é漢"])].slice(0, 30);
}

let worker: Worker | null = null;

/** What a worker answers; undefined where it is at it for too long. */
function ask(
  source: string,
  flags: string,
  text: string,
  state = new SharedArrayBuffer(4),
): number | undefined {
  worker ??= begin();
  const answer = new Int32Array(state);
  const task: PatternTask = { state, source, flags, text };
  worker.postMessage(task);
  Atomics.wait(answer, 0, 0, LIMIT_MS);
  const found = Atomics.load(answer, 0);
  if (found === 0) end();
  return found === 0 ? undefined : found;
}

/** A worker that has answered once, so that its beginning counts nothing; it ends with this turn. */
function begin(): Worker {
  worker = new Worker(new URL("./pattern_worker.ts", import.meta.url), { type: "module" });
  setTimeout(end);
  const state = new SharedArrayBuffer(4);
  const ready: PatternTask = { state, source: "", flags: "", text: "" };
  worker.postMessage(ready);
  if (Atomics.wait(new Int32Array(state), 0, 0, BEGIN_MS) === "timed-out") {
    end();
    throw new Error(`The thread that tries patterns has not begun in ${BEGIN_MS / 1000} s`);
  }
  return worker;
}

function end(): void {
  worker?.terminate();
  worker = null;
}
