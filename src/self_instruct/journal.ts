/**
 * The answers of a run, each kept before anything is made of it: a run that goes on asks for what is
 * missing alone, and all else follows from the answers again.
 *
 * @module
 */
import type { ModelRequest } from "../data/mod.ts";
import { FileError } from "../errors.ts";
import { appendText, exists, isObject, readText, writeText } from "../io/files.ts";
import { hashText } from "../curate/words.ts";
import { hash } from "../random.ts";
import type { Answer, Sampling, Writer } from "./writers/writer.ts";

/** Asks for answers of one step of a round. */
export type Ask = (
  step: string,
  requests: readonly ModelRequest[],
  sampling: Omit<Sampling, "seed">,
) => Promise<Answer[]>;

/** The lines of a file that grows, none where it is missing; one that was cut off is taken out of it. */
export function wholeLines(path: string): string[] {
  if (!exists(path)) return [];
  const text = readText(path);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole !== text) writeText(path, whole);
  return whole.split("\n").slice(0, -1);
}

/** A file of answers: a line holds those that were made together, by the names of their requests. */
export class Journal {
  readonly #known = new Map<string, Answer>();
  #fresh = 0;

  /**
   * Reads what is there. A line that was cut off by the end of a process is dropped.
   *
   * @throws {FileError} where it is something else.
   */
  constructor(private readonly path: string) {
    for (const [i, line] of wholeLines(path).entries()) this.#read(line, i + 1);
  }

  /** Answers that were asked for now. */
  get fresh(): number {
    return this.#fresh;
  }

  /** Whether nothing has been asked for now, so that all that is known was there before. */
  get isReplaying(): boolean {
    return this.#fresh === 0;
  }

  /** Answers requests from what is kept, and the others by a writer. */
  async ask(
    writer: Writer,
    seed: number,
    ...[step, requests, sampling]: Parameters<Ask>
  ): Promise<Answer[]> {
    const names = requests.map((_, i) => `${step}/${i}`);
    const missing = requests.map((request, number) => ({ number, request }))
      .filter(({ number }) => !this.#known.has(names[number]!));
    if (missing.length > 0) {
      const how = { ...sampling, seed: hash(seed, [hashText(step)]) };
      await writer.write(missing, how, (answers) => {
        this.#add(answers.map(([number, answer]) => [names[number]!, answer]));
      });
    }
    return names.map((name) => this.#known.get(name)!);
  }

  #add(answers: readonly (readonly [string, Answer])[]): void {
    appendText(this.path, `${JSON.stringify(Object.fromEntries(answers))}\n`);
    for (const [name, answer] of answers) this.#known.set(name, answer);
    this.#fresh += answers.length;
  }

  #read(line: string, number: number): void {
    const refuse = (found: string) =>
      new FileError(`${this.path}:${number}: found ${found}, wanted the answers of a run`);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw refuse("a line that is no JSON");
    }
    if (!isObject(value)) throw refuse("no object");
    for (const [name, answer] of Object.entries(value)) {
      const isAnswer = isObject(answer) &&
        (typeof answer["refused"] === "string" ||
          (typeof answer["text"] === "string" && typeof answer["ended"] === "boolean"));
      if (!isAnswer) throw refuse(`something else under ${name}`);
      this.#known.set(name, answer as unknown as Answer);
    }
  }
}
