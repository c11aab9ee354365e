/**
 * Documents to examples of a model that reads a source with an encoder and writes the target with a
 * decoder.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import {
  type Document,
  type RowTokenizer,
  type Span,
  type TargetMarks,
  UNSUPERVISED,
} from "../example.ts";

/** A source and its target as one row of ids: see {@link Example.sourceLength}. */
export interface EncodedPair {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
  readonly sourceLength: number;
}

/**
 * What is not supervised is the source, the supervised span after it the target, each with its EOS.
 * Token rows have the source in `input_ids` and the target in `labels`, as transformers takes them.
 *
 * @throws {ConfigError} for a chat, a text, or a tokenizer without EOS.
 */
export function encodePair(
  document: Document,
  tokenizer: RowTokenizer,
  marks: TargetMarks,
): EncodedPair {
  if (document.kind === "tokens") return pairOf(document.ids, document.labels, marks);
  const wanted = "wanted an instruction and its answer: an encoder reads one, a decoder the other";
  if (document.kind !== "spans") {
    throw new ConfigError(`${document.origin}: found a ${document.kind}, ${wanted}`);
  }
  const { spans, origin } = document;
  const target = spans.at(-1);
  const source = spans.slice(0, -1);
  if (!target?.supervised || source.length === 0 || source.some(({ supervised }) => supervised)) {
    throw new ConfigError(`${origin}: found a text, ${wanted}`);
  }
  const text = source.map(({ text }) => text).join("");
  return pairOf(promptIds(text, tokenizer), targetIds(target, tokenizer), marks);
}

/**
 * A prompt as the model reads it: BOS, where the tokenizer has one, and its tokens; or for an encoder
 * its tokens and EOS.
 *
 * @throws {ConfigError} for an encoder whose tokenizer has no EOS.
 */
export function promptIds(prompt: string, tokenizer: RowTokenizer): number[] {
  const ids = tokenizer.encode(prompt);
  if (tokenizer.target) return [...ids, endOf(tokenizer)];
  return tokenizer.bos === null ? ids : [tokenizer.bos, ...ids];
}

const targetIds = ({ text, eos }: Span, tokenizer: RowTokenizer): number[] => [
  ...tokenizer.encode(text),
  ...(eos ? [endOf(tokenizer)] : []),
];

function pairOf(
  source: readonly number[],
  target: readonly number[],
  { start, pad }: TargetMarks,
): EncodedPair {
  return {
    ids: [...source, start, ...target.map((label) => label === UNSUPERVISED ? pad : label)],
    labels: [...source.map(() => UNSUPERVISED), UNSUPERVISED, ...target],
    sourceLength: source.length,
  };
}

/**
 * The token that ends an answer.
 *
 * @throws {ConfigError} where the tokenizer has none.
 */
export function endOf(tokenizer: RowTokenizer): number {
  if (tokenizer.eos !== null) return tokenizer.eos;
  throw new ConfigError("The tokenizer has no EOS token, wanted one to end each answer");
}
