/**
 * Documents to examples of a model that reads a source with an encoder and writes the target with a
 * decoder.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Document, RowTokenizer, Span, TargetMarks } from "../example.ts";
import { UNSUPERVISED } from "../../rows/content.ts";
import { encodeStretches, endOf, spanStretch, type Stretch } from "./stretches.ts";

/** A source and its target as one row of ids: see {@link Example.sourceLength}. */
export interface EncodedPair {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
  readonly sourceLength: number;
  readonly hasTypedSpecial?: boolean;
  readonly learnsUnknown?: boolean;
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
  const encodePart = (parts: readonly Span[]) => {
    const stretches = parts.map((span) => spanStretch(span, document, tokenizer));
    return encodeStretches(stretches, tokenizer, tokenizer.specialTokens ?? []);
  };
  const [read, learnt] = [encodePart(source), encodePart([target])];
  return {
    ...pairOf([...read.ids, endOf(tokenizer)], learnt.ids, marks),
    hasTypedSpecial: read.hasTypedSpecial || learnt.hasTypedSpecial,
    learnsUnknown: learnt.learnsUnknown,
  };
}

/**
 * A prompt as the model reads it: BOS, where the tokenizer has one, and its tokens; or for an encoder
 * its tokens and EOS.
 *
 * @throws {ConfigError} for an encoder whose tokenizer has no EOS.
 */
export function promptIds(
  { text, written }: Pick<Stretch, "text" | "written">,
  tokenizer: RowTokenizer,
): readonly number[] {
  const { specialTokens = [], target } = tokenizer;
  const { ids } = encodeStretches([{ text, written, supervised: false }], tokenizer, specialTokens);
  if (target) return [...ids, endOf(tokenizer)];
  return prompted(ids, tokenizer);
}

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

/** The ids of a prompt behind BOS, where the tokenizer has one, and the virtual tokens of an adapter. */
export const prompted = (
  ids: readonly number[],
  { bos, virtual = [] }: Pick<RowTokenizer, "bos" | "virtual">,
): readonly number[] => [...virtual, ...(bos === null || ids[0] === bos ? [] : [bos]), ...ids];
