/**
 * Runs a file of the user: in a thread without permissions and, within it, among the objects of the
 * language alone, for Deno asks no permission for some of its own, such as packages and caches.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { createContext, runInContext, SourceTextModule } from "node:vm";
import type { Ask, Begin, Fault, Scores } from "./protocol.ts";

/** The part of a worker's scope that is used here. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Begin | Ask>) => void;
  onunhandledrejection: (event: PromiseRejectionEvent) => void;
  postMessage(said: Fault | Scores): void;
};

/** Calls `f` for an answer; what it throws comes back as words. Built where `f` is at home. */
const CALLER = `((parse, text, isArray) => (f, json) => {
  try {
    const { prompt, completion, row } = parse(json);
    return [f(prompt, completion, row)];
  } catch (fault) {
    return text(fault?.stack ?? fault);
  }
})(JSON.parse, String)`;

/** The same for many answers at once, of which a list of numbers is wanted. */
const BATCH_CALLER = `((parse, text, from) => (f, json) => {
  try {
    const found = f(parse(json));
    return [typeof found?.length === "number" ? from(found) : found];
  } catch (fault) {
    return text(fault?.stack ?? fault);
  }
})(JSON.parse, String, Array.from)`;

/** What a caller gives: the value in a list, or words. */
type Called = readonly [value: unknown] | string;
type Caller = (f: unknown, json: string) => Called;

/** A file that is no reward, and why. */
class Unusable extends Error {}

/** The user's file, ready to be called. */
class UserFile {
  readonly #world = createContext(Object.create(null));
  readonly #one = runInContext(CALLER, this.#world) as Caller;
  readonly #many = runInContext(BATCH_CALLER, this.#world) as Caller;
  #exports: Readonly<Record<string, unknown>> = {};

  constructor(private readonly begin: Begin) {}

  /** Evaluates the file. */
  async open(): Promise<void> {
    const { name: identifier, source } = this.begin;
    const module = new SourceTextModule(stripTypeScriptTypes(source), {
      context: this.#world,
      identifier,
    });
    await module.link((specifier: string) => {
      throw new Unusable(`imports ${specifier}, wanted a file that stands alone`);
    });
    let evaluated: Promise<void> | undefined;
    this.#timed(() => evaluated = module.evaluate());
    await evaluated;
    this.#exports = module.namespace as Record<string, unknown>;
    const functions = ["default", "batch"].filter((name) =>
      typeof this.#exports[name] === "function"
    );
    if (functions.length === 1) return;
    const found = functions.length === 0 ? "has neither" : "has both";
    throw new Unusable(`${found} of the functions default and batch, wanted one of them exported`);
  }

  /** Scores answers, one by one or at once as the file has it. */
  score(answers: readonly string[]): Fault | Scores {
    const { batch, default: one } = this.#exports;
    return typeof batch === "function"
      ? this.#scoreAll(batch, answers)
      : this.#scoreEach(one, answers);
  }

  #scoreEach(f: unknown, answers: readonly string[]): Fault | Scores {
    const scores: number[] = [];
    for (const [at, json] of answers.entries()) {
      const found = this.#call(this.#one, f, json);
      if (typeof found === "string") return { fault: found, at };
      const value = found[0];
      if (!isNumber(value)) return { fault: `gave ${wordsOf(value)}`, at };
      scores.push(value);
      Atomics.add(new Int32Array(this.begin.calls), 0, 1);
    }
    return { scores };
  }

  #scoreAll(f: unknown, answers: readonly string[]): Fault | Scores {
    const found = this.#call(this.#many, f, `[${answers.join(",")}]`);
    if (typeof found === "string") return { fault: found, at: 0 };
    const values = found[0];
    if (!Array.isArray(values)) {
      return { fault: `gave ${wordsOf(values)} in place of a list`, at: 0 };
    }
    const at = values.findIndex((value) => !isNumber(value));
    return at < 0 ? { scores: [...values] } : { fault: `gave ${wordsOf(values[at])}`, at };
  }

  /** What a function gave in a list, or in words that it threw or did not end. */
  #call(caller: Caller, f: unknown, json: string): Called {
    let found: Called = "";
    try {
      this.#timed(() => found = caller(f, json));
    } catch (fault) {
      return faultWords(fault, this.begin.limit);
    }
    return typeof found === "string" ? `threw ${thrownWords(found, this.begin.name)}` : found;
  }

  /** Does work that is stopped at the limit, whatever it does. */
  #timed(work: () => void): void {
    this.#world["work"] = work;
    const script = "{ const work = globalThis.work; delete globalThis.work; work(); }";
    runInContext(script, this.#world, { timeout: this.begin.limit });
  }
}

const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

/** A value that is no number of use. */
function wordsOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object" || Array.isArray(value)) {
    return `a ${Array.isArray(value) ? "list" : typeof value}`;
  }
  return "then" in value ? "a promise" : "an object";
}

/** What was thrown, with the line of the file where its stack has one. */
function thrownWords(stack: string, name: string): string {
  const [first = ""] = stack.split("\n");
  const at = stack.indexOf(`${name}:`);
  const line = at < 0 ? null : /^\d+/.exec(stack.slice(at + name.length + 1));
  return `${JSON.stringify(first)}${line ? ` in its line ${line[0]}` : ""}`;
}

/** What was thrown past the file's own frames: by whoever stopped it, or by what reads it. */
function faultWords(fault: unknown, limit: number): string {
  if (fault instanceof Unusable) return fault.message;
  const text = String(fault);
  if (text.startsWith("SyntaxError: ")) {
    const why = text.slice(13).split("\n")[0]!.replace(/ at file:.*?(\d+):\d+$/, " in its line $1");
    return `is no TypeScript whose types can be left out (${why})`;
  }
  return text.includes("execution timed out")
    ? `did not end within ${limit / 1000} s`
    : `threw ${JSON.stringify(text.split("\n")[0])}`;
}

let file: UserFile | null = null;

scope.onmessage = async ({ data }) => {
  if ("answers" in data) return scope.postMessage(file?.score(data.answers) ?? { scores: [] });
  file = new UserFile(data);
  try {
    await file.open();
    scope.postMessage({ scores: [] });
  } catch (fault) {
    scope.postMessage({ fault: faultWords(fault, data.limit), at: null });
  }
};

// A promise that nobody waits for may fail; it decides no number.
scope.onunhandledrejection = (event) => event.preventDefault();
