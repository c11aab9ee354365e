/**
 * The shapes that pass between the parts of the data room: a document as read from a file, and the
 * same document as token ids.
 *
 * @module
 */

/** The part of a tokenizer that data needs; `encode` adds no special token. */
export interface Encoder {
  /** The ids of a text. */
  encode(text: string): number[];
  /** What every sequence of the model begins with, null where it expects nothing. */
  readonly bos: number | null;
  /** What ends an answer. */
  readonly eos: number | null;
}

/** The label of a token that the loss does not see, as in PyTorch and Hugging Face. */
export const UNSUPERVISED: number = -100;

/** One document, encoded. `labels` is aligned with `ids`; the shift by one happens in `batch`. */
export interface Example {
  /** As the model sees them, BOS first where the tokenizer has one. */
  readonly ids: Uint32Array;
  /** `labels[i]` is `ids[i]` where token i is supervised, else -100. `labels[0]` is always -100. */
  readonly labels: Int32Array;
  /** Where it came from, for messages: `rows.jsonl:12`. */
  readonly origin: string;
}

/** A stretch of text that is supervised as a whole or not at all. */
export interface Span {
  /** Encoded apart from its neighbours. */
  readonly text: string;
  /** Whether the loss sees its tokens. */
  readonly supervised: boolean;
  /** Whether EOS follows it, supervised as it is. */
  readonly eos: boolean;
}

/** One document as a format reads it: spans of text still to encode, or token ids as they are. */
export type Document =
  | { readonly kind: "spans"; readonly spans: readonly Span[]; readonly origin: string }
  | {
    readonly kind: "tokens";
    readonly ids: readonly number[];
    readonly labels: readonly number[];
    readonly origin: string;
  };
