/**
 * What writes for self-instruct: a model at hand, or one behind an endpoint.
 *
 * @module
 */
import type { ModelRequest } from "../../data/mod.ts";
import type { SampleOptions } from "../../inference/sample.ts";

/** How answers are drawn, and where they end. */
export interface Sampling extends Partial<SampleOptions> {
  /** The most tokens of an answer. */
  readonly maxTokens: number;
  /** Texts that end an answer and are no part of it. */
  readonly stop: readonly string[];
  readonly seed: number;
  /** Taken from the score of each token that the answer has already, as in OpenAI's API. */
  readonly presencePenalty?: number;
}

/** What was written to a request. */
export interface Written {
  readonly text: string;
  /** Whether the model or a text of `stop` ended it; false where its tokens ran out. */
  readonly ended: boolean;
}

/** A request that cannot be answered, and why. */
export interface Unwritten {
  readonly refused: string;
}

/** What came of a request. */
export type Answer = Written | Unwritten;

/** A request, and its number in its step, which draws its tokens. */
export interface Numbered {
  readonly number: number;
  readonly request: ModelRequest;
}

/** Hears of answers by the numbers of their requests, together where they were made together. */
export type OnAnswers = (answers: readonly (readonly [number: number, answer: Answer])[]) => void;

/** Writes answers. */
export interface Writer {
  /** Whether a text and an answer of so many tokens have room; always where that is not known. */
  fits(text: string, maxTokens: number): boolean;
  /**
   * Answers requests; the same requests and sampling get the same answers where the model is at hand.
   *
   * @throws {FileError} where nothing more can be had; what was answered before has been told.
   */
  write(requests: readonly Numbered[], sampling: Sampling, onAnswers: OnAnswers): Promise<void>;
}
