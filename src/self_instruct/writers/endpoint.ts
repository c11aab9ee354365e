/**
 * A model behind an endpoint that speaks OpenAI's API (/completions and /chat/completions): llama.cpp,
 * vLLM, `deno task serve`, a provider.
 *
 * @module
 */
import { asked, type ChatTurn } from "../../data/mod.ts";
import { FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import { random } from "../../random.ts";
import { tell } from "../../progress.ts";
import { heed, heeding } from "../../stop.ts";
import type { Answer, Numbered, OnAnswers, Sampling, Writer } from "./writer.ts";

/** Tries of one request in all. */
const TRIES = 5;
/** Milliseconds before the second try; each further wait is twice as long. */
const FIRST_WAIT = 1000;
/** The longest wait that an endpoint may ask for. */
const LONGEST_WAIT = 60_000;
/** Statuses that may pass: too slow, too many, and faults of the server. */
const PASSING = [408, 409, 425, 429];
/** Statuses that refuse one request for what it asks. */
const REFUSING = [400, 413, 422];
/** Characters of an answer that messages quote. */
const QUOTED = 120;

/** How an endpoint is asked. */
export interface EndpointOptions {
  /** Up to `/v1`, without a slash at its end. */
  readonly url: string;
  /** The name that it knows the model by. */
  readonly model: string;
  /** Sent as a bearer token; never written anywhere. */
  readonly key: string | null;
  /** Milliseconds that one try may take. */
  readonly timeout: number;
  /** Requests under way at a time. */
  readonly parallel: number;
  /** What is said with an instruction. */
  readonly system?: string;
  /** Called before each further try. */
  readonly say?: (line: string) => void;
  /** Waits so many milliseconds. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/** What came of one try. */
type Try =
  | { readonly answer: Answer }
  | { readonly fault: string; readonly passing: boolean; readonly after: number | null };

/** Writes through an endpoint. */
export class EndpointWriter implements Writer {
  constructor(private readonly options: EndpointOptions) {}

  fits(): boolean {
    return true;
  }

  async write(
    requests: readonly Numbered[],
    sampling: Sampling,
    onAnswers: OnAnswers,
  ): Promise<void> {
    let [next, done] = [0, 0];
    let fault: unknown = null;
    const work = async () => {
      while (next < requests.length && fault === null) {
        const numbered = requests[next++]!;
        try {
          onAnswers([[numbered.number, await this.#ask(numbered, sampling)]]);
          tell("answers", ++done, requests.length);
        } catch (found) {
          fault ??= found;
        }
      }
    };
    await Promise.all(Array.from({ length: this.options.parallel }, work));
    if (fault !== null) throw fault; // the others under way have been told of
  }

  async #ask(numbered: Numbered, sampling: Sampling): Promise<Answer> {
    const { url, say = () => {}, wait = pause } = this.options;
    const { path, body } = this.#bodyOf(numbered, sampling);
    for (let tried = 1;; tried++) {
      heed();
      const found = await heeding(this.#try(`${url}${path}`, path, body));
      if ("answer" in found) return found.answer;
      const { fault, passing, after } = found;
      if (!passing) throw new FileError(`${url}${path}: ${fault}`);
      if (tried === TRIES) throw new FileError(`${url}${path}: ${fault}, in ${TRIES} tries`);
      const length = Math.min(LONGEST_WAIT, after ?? FIRST_WAIT * 2 ** (tried - 1));
      say(`${url}${path}: ${fault}; again in ${Math.round(length / 1000)} s`);
      await heeding(wait(length));
    }
  }

  #bodyOf({ number, request }: Numbered, sampling: Sampling) {
    const { maxTokens, stop, seed, presencePenalty, temperature = 0, topP = 1 } = sampling;
    const how = {
      model: this.options.model,
      max_tokens: maxTokens,
      temperature,
      top_p: topP,
      ...(presencePenalty !== undefined && { presence_penalty: presencePenalty }),
      ...(stop.length > 0 && { stop }),
      seed: Math.floor(random(seed, number) * 2 ** 31),
    };
    if (request.kind === "text") {
      return { path: "/completions", body: { ...how, prompt: request.text } };
    }
    const { system = "" } = this.options;
    const messages = request.kind === "chat" ? request.turns.map(turnOf) : [
      ...(system === "" ? [] : [{ role: "system", content: system }]),
      { role: "user", content: asked({ ...request, answer: "" }) },
    ];
    return { path: "/chat/completions", body: { ...how, messages } };
  }

  async #try(address: string, path: string, body: object): Promise<Try> {
    const { key, timeout } = this.options;
    let response: Response;
    let text: string;
    try {
      response = await fetch(address, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(key !== null && { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeout),
      });
      text = await response.text();
    } catch (fault) {
      const isLate = fault instanceof DOMException && fault.name === "TimeoutError";
      const words = isLate
        ? `found no answer within ${timeout / 1000} s`
        : `found no endpoint there (${(fault as Error).message.split("\n")[0]})`;
      return { fault: words, passing: true, after: null };
    }
    const found = `found status ${response.status}${saying(text)}`;
    if (REFUSING.includes(response.status)) return { answer: { refused: found } };
    if (!response.ok) {
      const passing = PASSING.includes(response.status) || response.status >= 500;
      return { fault: found, passing, after: secondsOf(response.headers.get("retry-after")) };
    }
    return answerIn(text, path);
  }
}

const turnOf = ({ role, content }: ChatTurn) => ({ role, content });

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Milliseconds of a header in seconds; null for a date, or none. */
function secondsOf(header: string | null): number | null {
  const seconds = header === null || header.trim() === "" ? NaN : Number(header);
  return seconds >= 0 ? 1000 * seconds : null;
}

/** What a failed response says of itself. */
function saying(text: string): string {
  const error = jsonIn(text)?.["error"];
  const message = isObject(error) ? error["message"] : error;
  if (typeof message === "string") return ` (${squeezed(message)})`;
  return text.trim() === "" ? "" : ` (${squeezed(text)})`;
}

/** The first choice of a response, which is asked for again where it is none. */
function answerIn(text: string, path: string): Try {
  const again = (fault: string): Try => ({ fault, passing: true, after: null });
  const value = jsonIn(text);
  if (value === null) {
    return again(`found ${JSON.stringify(squeezed(text))}, wanted a JSON object`);
  }
  const choices = value["choices"];
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const isText = path === "/completions";
  const message = isObject(choice) ? choice["message"] : undefined;
  const found = isText
    ? isObject(choice) ? choice["text"] : undefined
    : isObject(message)
    ? message["content"]
    : undefined;
  if (typeof found !== "string") {
    const wanted = isText ? "choices[0].text" : "choices[0].message.content";
    return again(`found JSON without ${wanted}, wanted an answer of OpenAI's API`);
  }
  const ended = (choice as Record<string, unknown>)["finish_reason"] !== "length";
  return { answer: { text: found, ended } };
}

function jsonIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const squeezed = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
};
