/**
 * A model answers instructions that are there: rows in its own words, to learn from another's answers
 * or to keep its own.
 *
 * @module
 */
import { echo, type Reason, repetition } from "../curate/filters.ts";
import { STEP_DEFAULTS } from "../curate/steps.ts";
import type { FiledRequest } from "../data/mod.ts";
import { FileError } from "../errors.ts";
import type { ResultName } from "./folder.ts";
import type { Ask } from "./journal.ts";
import type { Answer } from "./writers/writer.ts";

/** What is answered, and how. */
export interface AnswerOptions {
  /** All of one kind. */
  readonly requests: readonly FiledRequest[];
  /** Requests that are answered beside each other, and then kept. */
  readonly together: number;
  /** The model, as rows name it. */
  readonly model: string;
  readonly sampling: Parameters<Ask>[2];
  readonly ask: Ask;
  readonly add: (name: ResultName, row: object) => void;
  /** Called with the requests that have been answered. */
  readonly onAnswered: (count: number) => void;
}

/** How many answers were kept, and how many were not. */
export interface Answers {
  readonly rows: number;
  readonly rejected: number;
}

/**
 * @throws {FileError} where there is none, or requests are of several kinds, of which a file of rows
 * has one, or call tools.
 */
export function checkRequests(requests: readonly FiledRequest[], path: string): void {
  if (requests.length === 0) throw new FileError(`${path}: found nothing to answer`);
  const calls = requests.find((request) =>
    request.kind === "chat" &&
    request.turns.some(({ role, toolCalls }) => role === "tool" || toolCalls)
  );
  if (calls) throw new FileError(`${calls.origin}: found a call of tools, wanted turns of text`);
  const other = requests.find(({ kind }) => kind !== requests[0]!.kind);
  if (!other) return;
  throw new FileError(
    `${other.origin}: found ${named(other)} behind ${named(requests[0]!)}, wanted rows of one kind`,
  );
}

const named = ({ kind }: FiledRequest): string =>
  kind === "instruction" ? "an instruction" : `a ${kind}`;

/** Answers all requests. Throws as what is asked does; what was answered stays. */
export async function answerRequests(options: AnswerOptions): Promise<Answers> {
  const { requests, together, model, sampling, ask, add, onAnswered } = options;
  let rows = 0;
  for (let done = 0; done < requests.length; done += together) {
    const some = requests.slice(done, done + together);
    const answers = await ask(`answer/${done / together}`, some, sampling);
    for (const [i, request] of some.entries()) {
      const reason = reasonOf(request, answers[i]!);
      const { origin } = request;
      if (reason === null) {
        const provenance = { by: "answer-only", model, of: origin };
        add("rows", { ...rowOf(request, textOf(answers[i]!)), provenance });
        rows++;
      } else {
        add("rejected", { stage: "answer", of: origin, reason, text: textOf(answers[i]!) });
      }
    }
    onAnswered(done + some.length);
  }
  return { rows, rejected: requests.length - rows };
}

/** What an answer says, "" where there is none. */
export const textOf = (answer: Answer): string => "text" in answer ? answer.text.trim() : "";

/** Why an answer is not kept; null where it is. */
function reasonOf(request: FiledRequest, answer: Answer): Reason {
  if ("refused" in answer) return answer.refused;
  if (!answer.ended) return "cut off: its tokens ran out";
  const text = textOf(answer);
  if (text === "") return "an empty answer";
  const { origin } = request;
  const { instruction, input } = askedBy(request);
  const row = { origin, instruction, input, answer: text, empty: null, line: "", format: "" };
  return echo(row) ?? repetition(row, STEP_DEFAULTS);
}

/** What is asked last. */
function askedBy(request: FiledRequest): { readonly instruction: string; readonly input: string } {
  if (request.kind === "instruction") return request;
  if (request.kind === "text") return { instruction: request.text, input: "" };
  return { instruction: `${request.turns.at(-1)!.content ?? ""}`, input: "" };
}

/** A row of the format that has such a request. */
export function rowOf(request: FiledRequest, output: string): object {
  if (request.kind === "instruction") {
    const { instruction, input } = request;
    return { instruction, input, output };
  }
  if (request.kind === "text") return { prompt: request.text, completion: output };
  const turns = request.turns.map(({ role, content }) => ({ role, content }));
  return { messages: [...turns, { role: "assistant", content: output }] };
}
