/**
 * Documents to examples. The mask is built from spans while encoding; no text is tokenized twice.
 *
 * @module
 */

import { ConfigError, FileError } from "../errors.ts";
import { encodeSegments } from "./chat/encode.ts";
import { chatSegments } from "./chat/segments.ts";
import { faultError, type FaultName } from "./faults.ts";
import {
  type ChatDocument,
  type Document,
  type Encoder,
  type Example,
  UNSUPERVISED,
} from "./example.ts";

/** What to do with an example of more than the allowed number of tokens. */
export type TooLongPolicy = "drop" | "truncate" | "split" | "error";
/** All of those, the default first. */
export const TOO_LONG_POLICIES: readonly TooLongPolicy[] = ["drop", "truncate", "split", "error"];

/**
 * Encodes one document: BOS once (where the tokenizer has one), then each span on its own, each
 * followed by EOS where it asks for it, supervised as its span is. A chat is rendered by its
 * template, BOS before it only where the template writes none. Token rows are taken as they are.
 *
 * @param allowed faults that are no reason to stop; `checkFaults` looks for the others.
 * @throws {FileError} if no token would be supervised, or the template does not fit the chat.
 * @throws {ConfigError} if a span ends with EOS and the tokenizer has none, or a chat finds no
 * template, no end token or an encoder that knows nothing of chats.
 */
export function encode(
  document: Document,
  encoder: Encoder,
  allowed: readonly FaultName[] = [],
): Example {
  const { ids, labels } = encodeDocument(document, encoder, allowed);
  const isAnswer = document.kind === "chat" ||
    (document.kind === "spans" && document.spans.length > 1);
  const example: Example = {
    ids: Uint32Array.from(ids),
    labels: Int32Array.from(labels),
    origin: document.origin,
    ...(isAnswer && { isAnswer }),
  };
  example.labels[0] = UNSUPERVISED; // nothing stands before the first token to predict it
  if (countSupervised(example) > 0 || allowed.includes("unsupervised")) return example;
  throw faultError(example, "unsupervised");
}

/**
 * What an example comes to under a policy: itself where it has at most `maxTokens`, else one cut
 * example, all its pieces, or none.
 *
 * @param bos begins every piece of an example that begins with it.
 * @throws {FileError} under the policy "error".
 */
export function fitLength(
  example: Example,
  maxTokens: number,
  policy: TooLongPolicy,
  bos: number | null,
): Example[] {
  if (policy === "split") return splitLength(example, maxTokens, bos);
  const limited = limitLength(example, maxTokens, policy);
  return limited === null ? [] : [limited];
}

/** The pieces of an example, in order, that have anything to learn; every token is learnt once. */
function splitLength({ ids, labels, origin }: Example, maxTokens: number, bos: number | null) {
  const head = bos !== null && ids[0] === bos ? [bos] : [];
  if (maxTokens < 2) throw new FileError(`${origin}: found room for ${maxTokens}, wanted 2 tokens`);
  const room = maxTokens - head.length;
  const pieces: Example[] = [];
  // Without BOS, a piece begins with the last token of the piece before, which it does not learn.
  const step = maxTokens - 1;
  for (let at = head.length; at < ids.length; at += step) {
    const piece = {
      ids: Uint32Array.from([...head, ...ids.subarray(at, at + room)]),
      labels: Int32Array.from([...head.map(() => UNSUPERVISED), ...labels.subarray(at, at + room)]),
      origin,
    };
    piece.labels[0] = UNSUPERVISED; // nothing stands before the first token to predict it
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
  const { ids, labels, origin } = example;
  if (ids.length <= maxTokens) return example;
  if (policy === "drop") return null;
  if (policy === "error") {
    throw new FileError(`${origin}: found ${ids.length} tokens, wanted at most ${maxTokens}`);
  }
  const cut = { ids: ids.slice(0, maxTokens), labels: labels.slice(0, maxTokens), origin };
  return countSupervised(cut) > 0 ? cut : null;
}

/**
 * Checks that every token has a row in the embedding table.
 *
 * @throws {FileError} if an id is not below `vocabSize`.
 */
export function checkVocabulary({ ids, origin }: Example, vocabSize: number): void {
  const outside = ids.findIndex((id) => id >= vocabSize);
  if (outside < 0) return;
  const found = `token id ${ids[outside]} at position ${outside}`;
  throw new FileError(`${origin}: found ${found}, wanted ids below the vocabulary of ${vocabSize}`);
}

/** How many tokens of an example the loss sees. */
export function countSupervised(example: Example): number {
  if (example.counts) return example.counts.supervised;
  return example.labels.reduce((count, label) => count + (label === UNSUPERVISED ? 0 : 1), 0);
}

interface Encoded {
  readonly ids: readonly number[];
  readonly labels: readonly number[];
}

function encodeDocument(
  document: Document,
  encoder: Encoder,
  allowed: readonly FaultName[],
): Encoded {
  if (document.kind === "tokens") return document;
  if (document.kind === "spans") return encodeSpans(document, encoder);
  return encodeChat(document, encoder, allowed);
}

function encodeChat(
  document: ChatDocument,
  encoder: Encoder,
  allowed: readonly FaultName[],
): Encoded {
  const { bos, chat } = encoder;
  if (chat === undefined) {
    throw new ConfigError(
      `${document.origin}: found a chat, but nothing is known of the model's special tokens`,
    );
  }
  const segments = chatSegments(document, chat, { needsEnd: !allowed.includes("no-end") });
  const { ids, labels } = encodeSegments(segments, encoder, chat);
  if (bos === null || ids[0] === bos) return { ids, labels };
  return { ids: [bos, ...ids], labels: [UNSUPERVISED, ...labels] };
}

function encodeSpans(document: Document & { kind: "spans" }, encoder: Encoder): Encoded {
  const ids: number[] = [];
  const labels: number[] = [];
  const append = (id: number, supervised: boolean) => {
    ids.push(id);
    labels.push(supervised ? id : UNSUPERVISED);
  };
  if (encoder.bos !== null) append(encoder.bos, false);
  for (const { text, supervised, eos } of document.spans) {
    for (const id of encoder.encode(text)) append(id, supervised);
    if (eos) append(endOf(encoder), supervised);
  }
  return { ids, labels };
}

function endOf(encoder: Encoder): number {
  if (encoder.eos !== null) return encoder.eos;
  throw new ConfigError("The tokenizer has no EOS token, wanted one to end each answer");
}
