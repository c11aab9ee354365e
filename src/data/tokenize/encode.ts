/**
 * Documents to examples. The mask is built from spans while encoding; no text is tokenized twice.
 *
 * @module
 */

import { ConfigError, FileError } from "../../errors.ts";
import { chatSegments, stretchOf } from "./segments.ts";
import { encodeStretches, spanStretch } from "./stretches.ts";
import { END_TOKENS } from "../templates/builtin.ts";
import { faultError, type FaultName } from "./faults.ts";
import { encodePair } from "./encoder_decoder.ts";
import { type Label, UNSUPERVISED } from "../../rows/content.ts";
import { fitSides, joinSides, sidesOf } from "./sides.ts";
import {
  type ChatDocument,
  countSupervised,
  type Document,
  type Example,
  lengthOf,
  packedLength,
  type PreferenceDocument,
  type RowTokenizer,
  type SpansDocument,
} from "../example.ts";

/** What to do with an example of more than the allowed number of tokens. */
export type TooLongPolicy = "drop" | "truncate" | "split" | "error";
/** All of those, the default first. */
export const TOO_LONG_POLICIES: readonly TooLongPolicy[] = ["drop", "truncate", "split", "error"];

/**
 * Encodes one document: BOS once (where the tokenizer has one), then each span on its own, each
 * followed by EOS where it asks for it, supervised as its span is. A chat is rendered by its
 * template, BOS before it only where the template writes none. Token rows are taken as they are. A
 * preference is as many documents as it has answers. For a model with an encoder see {@link encodePair}.
 *
 * @param allowed faults that are no reason to stop; `checkFaults` looks for the others.
 * @throws {FileError} if no token would be supervised, or the template does not fit the chat.
 * @throws {ConfigError} if a span ends with EOS and the tokenizer has none, or a chat finds no
 * template, no end token or a tokenizer that knows nothing of chats, or a preference a model with an
 * encoder.
 */
export function encode(
  document: Document,
  tokenizer: RowTokenizer,
  allowed: readonly FaultName[] = [],
): Example {
  if (document.kind === "preference") {
    if (tokenizer.target) {
      const wanted = "wanted rows of one answer: the model has an encoder";
      throw new ConfigError(`${document.origin}: found a preference, ${wanted}`);
    }
    const sides = document.answers.map((side) => encode(side, tokenizer, allowed));
    return joinSides(sides, document);
  }
  const encoded: Encoded & { readonly sourceLength?: number } = tokenizer.target
    ? encodePair(document, tokenizer, tokenizer.target)
    : encodeDocument(document, tokenizer, allowed);
  const { sourceLength, hasTypedSpecial, learnsUnknown } = encoded;
  const { virtual = [] } = tokenizer;
  const ids = [...virtual, ...encoded.ids];
  const labels = [...virtual.map(() => UNSUPERVISED), ...encoded.labels];
  const isAnswer = document.kind === "chat" ||
    (document.kind === "spans" && document.spans.length > 1);
  const example: Example = {
    ids: Uint32Array.from(ids),
    labels: Int32Array.from(labels),
    origin: document.origin,
    ...(sourceLength !== undefined && { sourceLength }),
    ...(virtual.length > 0 && { virtual: virtual.length }),
    ...labelOf(document),
    ...(isAnswer && { isAnswer }),
    ...(beginsTwice(document, tokenizer) && { beginsTwice: true }),
    ...(endsTwice(document, tokenizer) && { endsTwice: true }),
    ...(learnsUnknown && { learnsUnknown }),
    ...(hasTypedSpecial && { hasTypedSpecial }),
  };
  // Nothing stands before the first token to predict it; behind virtual ones the same tokens count.
  example.labels[virtual.length] = UNSUPERVISED;
  if (countSupervised(example) > 0 || allowed.includes("unsupervised")) return example;
  throw faultError(example, "unsupervised");
}

/**
 * What an example comes to under a policy: itself where it has at most `maxTokens`, else one cut
 * example, all its pieces, or none. A source and its target have so many each, and no pieces; so
 * have the documents of a preference, and `bothTokens` together. Nor has what is labelled pieces.
 *
 * @param bos begins every piece of an example that begins with it.
 * @throws {FileError} under the policy "error", and of a source and its target, a preference, or
 * what is labelled, under "split".
 */
export function fitLength(
  example: Example,
  maxTokens: number,
  policy: TooLongPolicy,
  bos: number | null,
  bothTokens = maxTokens,
): Example[] {
  const whole = policy === "split" ? "error" : policy; // of what has no pieces
  if (example.sides) {
    const limit = (side: Example, most: number) => limitLength(side, most, "truncate");
    const fitting = fitSides(example, { maxTokens, bothTokens }, whole, limit);
    return fitting === null ? [] : [fitting];
  }
  const hasPieces = !isPair(example) && example.label === undefined;
  if (policy === "split" && hasPieces) return splitLength(example, maxTokens, bos);
  const limited = limitLength(example, maxTokens, whole);
  return limited === null ? [] : [limited];
}

/** Whether what an example came to is not all of it. */
export const isCut = (whole: Example, [first, ...others]: readonly Example[]): boolean =>
  others.length > 0 || (first !== undefined && lengthOf(first) < lengthOf(whole));

/** The pieces of an example, in order, that have anything to learn; every token is learnt once. */
export function splitLength(
  { ids, labels, origin, virtual = 0 }: Example,
  maxTokens: number,
  bos: number | null,
) {
  const head = [...ids.subarray(0, bos !== null && ids[virtual] === bos ? virtual + 1 : virtual)];
  const least = virtual + 2;
  if (maxTokens < least) {
    throw new FileError(`${origin}: found room for ${maxTokens}, wanted ${least} tokens`);
  }
  const size = maxTokens - head.length;
  const pieces: Example[] = [];
  // Without BOS, a piece begins with the last token of the piece before, which it does not learn.
  const step = size - (head.length > virtual ? 0 : 1);
  for (let at = head.length; at < ids.length; at += step) {
    const piece = {
      ids: Uint32Array.from([...head, ...ids.subarray(at, at + size)]),
      labels: Int32Array.from([...head.map(() => UNSUPERVISED), ...labels.subarray(at, at + size)]),
      origin,
      ...(virtual > 0 && { virtual }),
    };
    piece.labels[virtual] = UNSUPERVISED; // nothing stands before the first token to predict it
    if (countSupervised(piece) > 0) pieces.push(piece);
  }
  return pieces;
}

/**
 * The example itself where it has at most `maxTokens`; else what the policy makes of it, null for
 * one to leave out. Truncating also leaves out an example that loses all its supervised tokens.
 *
 * @throws {FileError} under the policy "error".
 */
export function limitLength(
  example: Example,
  maxTokens: number,
  policy: Exclude<TooLongPolicy, "split">,
): Example | null {
  const { ids, labels, origin, sourceLength = 0 } = example;
  const length = packedLength(example);
  if (length <= maxTokens) return example;
  if (policy === "drop") return null;
  if (policy === "error") {
    throw new FileError(`${origin}: found ${length} tokens, wanted at most ${maxTokens}`);
  }
  const source = Math.min(sourceLength, maxTokens);
  // A source that is cut keeps its last token, which ends it.
  const part = <A extends Uint32Array | Int32Array>(from: A): number[] => [
    ...from.subarray(0, sourceLength > source ? source - 1 : source),
    ...from.subarray(
      sourceLength > source ? sourceLength - 1 : sourceLength,
      sourceLength + maxTokens,
    ),
  ];
  const cut: Example = {
    ids: Uint32Array.from(part(ids)),
    labels: Int32Array.from(part(labels)),
    origin,
    ...(isPair(example) && { sourceLength: source }),
    ...(example.virtual && { virtual: example.virtual }),
    ...labelOf(example),
  };
  return countSupervised(cut) > 0 ? cut : null;
}

/**
 * Checks that every token has a row in the embedding table.
 *
 * @throws {FileError} if an id is not below `vocabSize`.
 */
export function checkVocabulary(example: Example, vocabSize: number): void {
  for (const side of sidesOf(example)) checkSide(side, vocabSize);
}

function checkSide({ ids, origin, virtual = 0 }: Example, vocabSize: number): void {
  const outside = ids.findIndex((id, i) => i >= virtual && id >= vocabSize);
  if (outside < 0) return;
  const found = `token id ${ids[outside]} at position ${outside}`;
  throw new FileError(`${origin}: found ${found}, wanted ids below the vocabulary of ${vocabSize}`);
}

/** Names of classes have become numbers before. */
const labelOf = ({ label }: { readonly label?: Label | undefined }) =>
  label === undefined ? {} : { label: Number(label) };

const isPair = ({ sourceLength }: Example): boolean => sourceLength !== undefined;

/** Whether a text that is given BOS begins with one that was typed and stays text. */
function beginsTwice(document: Document, { bos, bosToken = "" }: RowTokenizer): boolean {
  if (document.kind !== "spans" || document.readsSpecial || bos === null) return false;
  const { text, written = [] } = document.spans[0]!;
  const isTyped = !written.some(([begin, end]) => begin === 0 && end >= bosToken.length);
  return bosToken !== "" && isTyped && text.trimStart().startsWith(bosToken);
}

/** Whether an answer that is given an end has one as the end of its text, this model's or another's. */
function endsTwice(document: Document, { eosToken = "" }: RowTokenizer): boolean {
  const ends = [eosToken, ...END_TOKENS].filter((token) => token !== "");
  const isEnded = (text: string) => ends.some((end) => text.trimEnd().endsWith(end));
  if (document.kind === "chat") {
    return document.messages.some(({ content, supervised }) => supervised && isEnded(content));
  }
  return document.kind === "spans" &&
    document.spans.some(({ text, supervised, eos }) => supervised && eos && isEnded(text));
}

interface Encoded {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
  readonly hasTypedSpecial?: boolean;
  readonly learnsUnknown?: boolean;
}

function encodeDocument(
  document: Exclude<Document, PreferenceDocument>,
  tokenizer: RowTokenizer,
  allowed: readonly FaultName[],
): Encoded {
  if (document.kind === "tokens") return checkAligned(document);
  if (document.kind === "spans") return encodeSpans(document, tokenizer);
  return encodeChat(document, tokenizer, allowed);
}

function encodeChat(
  document: ChatDocument,
  tokenizer: RowTokenizer,
  allowed: readonly FaultName[],
): Encoded {
  const { chat } = tokenizer;
  if (chat === undefined) {
    throw new ConfigError(
      `${document.origin}: found a chat, but nothing is known of the model's special tokens`,
    );
  }
  const segments = chatSegments(document, chat, { needsEnd: !allowed.includes("no-end") });
  const stretches = segments.map((segment) => stretchOf(segment, document.readsSpecial));
  return withBos(encodeStretches(stretches, tokenizer, chat.specialTokens), tokenizer);
}

/** BOS before what does not begin with it. */
function withBos<E extends Encoded>(encoded: E, { bos }: RowTokenizer): E {
  const { ids, labels } = encoded;
  if (bos === null || ids[0] === bos) return encoded;
  return { ...encoded, ids: [bos, ...ids], labels: [UNSUPERVISED, ...labels] };
}

function encodeSpans(document: SpansDocument, tokenizer: RowTokenizer): Encoded {
  const stretches = document.spans.map((span) => spanStretch(span, document, tokenizer));
  return withBos(encodeStretches(stretches, tokenizer, tokenizer.specialTokens ?? []), tokenizer);
}

/** Labels of a decoder alone are its own tokens, or none. */
function checkAligned(document: Document & { kind: "tokens" }): Encoded {
  const { ids, labels, origin } = document;
  if (labels.length !== ids.length) {
    const found = `${labels.length} labels for ${ids.length} input_ids`;
    throw new FileError(`${origin}: found ${found}, wanted as many of each`);
  }
  const odd = labels.findIndex((label, i) => label !== UNSUPERVISED && label !== ids[i]);
  if (odd < 0) return document;
  const wanted = `input_ids[${odd}] = ${ids[odd]} or -100`;
  throw new FileError(`${origin}: found labels[${odd}] = ${labels[odd]}, wanted ${wanted}`);
}
