/**
 * The shapes that pass between the parts of data: a document as read from a file, and the
 * same document as token ids.
 *
 * @module
 */

import type { ChatTemplate, TemplateVariables } from "./templates/chat_template.ts";
import { type Grades, type Label, type Message, UNSUPERVISED } from "../rows/content.ts";

/** The part of a tokenizer that data needs; `encode` adds no special token. */
export interface RowTokenizer {
  /** The ids of a text; a special token written out in it becomes its id. */
  encode(text: string): number[];
  /** What every sequence of the model begins with, null where it expects nothing. */
  readonly bos: number | null;
  /** What ends an answer. */
  readonly eos: number | null;
  /** Virtual tokens of an adapter in front of all that, BOS included; none where absent. */
  readonly virtual?: readonly number[];
  /** The two as text, where that is known: no text should begin or end in them. */
  readonly bosToken?: string | undefined;
  readonly eosToken?: string | undefined;
  /** Every special token as text: in the fields of rows they stay text. None where absent. */
  readonly specialTokens?: readonly string[] | undefined;
  /** What stands for text that the vocabulary lacks; null or absent where nothing does. */
  readonly unknown?: number | null | undefined;
  /** Whether some of a text is left out without a token for it; never where absent. */
  readonly drops?: ((text: string) => boolean) | undefined;
  /** Set where an encoder reads the prompt: what the decoder reads beside the answer. */
  readonly target?: TargetMarks | undefined;
  /** What chats need to know; without it they are refused. */
  readonly chat?: ChatFacts;
}

/** What the decoder of a model with an encoder reads. */
export interface TargetMarks {
  /** The token that it begins with. */
  readonly start: number;
  /** What stands in place of tokens that are not supervised. */
  readonly pad: number;
}

/** What a model's folder says about chats, beside the ids. */
export interface ChatFacts extends TemplateVariables {
  /** The model's own template, null where it has none. */
  readonly template: ChatTemplate | null;
  /** Its own for chats with tools, where it has one apart. */
  readonly toolTemplate?: ChatTemplate | null;
  /** Every special token as text: what only a template may write. */
  readonly specialTokens: readonly string[];
}

/**
 * What is known of the text of an example, set where it is so:
 *
 * - beginsTwice: it begins in BOS that was typed, and another stands before it
 * - endsTwice: the text of an answer ends in an end token that was typed, and another follows it
 * - learnsUnknown: the vocabulary lacks some of the text that is learnt
 * - hasTypedSpecial: special tokens stand in it that are not read as such
 */
export type TextFlag = "beginsTwice" | "endsTwice" | "learnsUnknown" | "hasTypedSpecial";
/** All of those. */
export const TEXT_FLAGS: readonly TextFlag[] = [
  "beginsTwice",
  "endsTwice",
  "learnsUnknown",
  "hasTypedSpecial",
];

/** The documents of an example that has several answers, each of them the prompt and an answer. */
export interface Sides extends Grades {
  /** Tokens of each; they add up to all ids. */
  readonly lengths: readonly number[];
}

/** One document, encoded. `labels` is aligned with `ids`; the shift by one happens in `batch`. */
export interface Example extends Readonly<Partial<Record<TextFlag, true>>> {
  /** As the model sees them, BOS first where the tokenizer has one. */
  readonly ids: Uint32Array;
  /** `labels[i]` is `ids[i]` where token i is supervised, else -100. `labels[0]` is always -100. */
  readonly labels: Int32Array;
  /**
   * Set where an encoder reads the first so many ids, none of them supervised, and a decoder those
   * that follow.
   */
  readonly sourceLength?: number | undefined;
  /** Set where it has several answers to a prompt: its documents, which follow one another. */
  readonly sides?: Sides | undefined;
  /** Set where it is labelled: 1 where its answer is wanted and 0 where not, or the number of its class. */
  readonly label?: number | undefined;
  /** How many virtual tokens it begins with, or each of its documents, where an adapter has some. */
  readonly virtual?: number;
  /** Where it came from, for messages: `rows.jsonl:12`. */
  readonly origin: string;
  /** Set where it holds an answer to something: a chat, or an instruction. */
  readonly isAnswer?: true;
  /** How many tokens it has, where that is known without reading them. */
  readonly length?: number;
  /** How many are supervised, where that is told faster than by its labels. */
  readonly supervised?: number;
}

/** A list of examples; an array is one, and so is a store that has them on disk. */
export interface Examples extends Pick<readonly Example[], "length" | "at"> {
  /**
   * Where examples are encoded while others are trained on: waits until those of some indices can be
   * taken. One that was left out has no tokens then.
   */
  readonly arrived?: (indices: Iterable<number>) => Promise<void>;
  /** Tells in which order they will be taken, where that decides which are encoded first. */
  readonly foresee?: (order: Uint32Array) => void;
}

/** How many tokens an example has. */
export function lengthOf(example: Example): number {
  return example.length ?? example.ids.length;
}

/**
 * The tokens that an example takes in a row: of its source and its target the longer one's, of a
 * preference both documents'.
 */
export function packedLength(example: Example): number {
  const { sourceLength = 0 } = example;
  return Math.max(sourceLength, lengthOf(example) - sourceLength);
}

/** How many tokens of an example the loss sees. */
export function countSupervised(example: Example): number {
  if (example.supervised !== undefined) return example.supervised;
  return example.labels.reduce((count, label) => count + (label === UNSUPERVISED ? 0 : 1), 0);
}

/** From one character up to, and without, another. */
export type Range = readonly [begin: number, end: number];

/** A stretch of text that is supervised as a whole or not at all. */
export interface Span {
  /** Encoded apart from its neighbours. */
  readonly text: string;
  /** Where a template's own words stand in it: special tokens in them are no typed ones. */
  readonly written?: readonly Range[];
  /** Whether the loss sees its tokens. */
  readonly supervised: boolean;
  /** Whether EOS follows it, supervised as it is. */
  readonly eos: boolean;
}

/** One document under its template: spans or a chat still to encode, or token ids as they are. */
export type Document =
  & (
    | SpansDocument
    | ChatDocument
    | PreferenceDocument
    | {
      readonly kind: "tokens";
      readonly ids: readonly number[];
      readonly labels: readonly number[];
      readonly origin: string;
    }
  )
  & { readonly label?: Label };

/**
 * What a row has: one answer, two of which one is preferred, several that are graded, or one answer or
 * text that is labelled.
 */
export type Answers = "one" | "two" | "ranked" | "labelled";

/** What an example has. */
export function answersOf({ sides, label }: Pick<Example, "sides" | "label">): Answers {
  if (sides) return gradedAnswers(sides);
  return label === undefined ? "one" : "labelled";
}

/** Of several answers. */
export const gradedAnswers = ({ grades }: Grades): Answers => grades ? "ranked" : "two";

/** Grades without fields that are not there. */
export const gradesOf = ({ grades, margin }: Grades): Grades => ({
  ...(grades && { grades }),
  ...(margin !== undefined && { margin }),
});

/** Whether an objective for some rows can do with others: two answers are ranked too. */
export const fitsAnswers = (found: Answers, wanted: Answers): boolean =>
  found === wanted || (found === "two" && wanted === "ranked");

/** Something that may be too long, and what to take in its place. */
export interface Shortening {
  /** The same with one exemplar less; absent where it has none. */
  readonly shorter?: () => Document;
}

/** What of a row becomes text, and how. */
export interface Texts extends Shortening {
  /** Set where special tokens in the fields of the row are read as such. */
  readonly readsSpecial?: boolean;
}

/** Stretches of text. */
export interface SpansDocument extends Texts {
  readonly kind: "spans";
  readonly spans: readonly Span[];
  readonly origin: string;
}

/** Documents of the same prompt. */
export interface PreferenceDocument extends Grades {
  readonly kind: "preference";
  /** The chosen one first where they have no grades. */
  readonly answers: readonly Document[];
  readonly origin: string;
}

/** A chat, not yet rendered: its template may be the model's own. */
export interface ChatDocument extends Texts {
  readonly kind: "chat";
  readonly messages: readonly Message[];
  /** What the template is told of tools. */
  readonly tools?: readonly unknown[];
  /** Their JSON, where that has numbers or an order of keys that `tools` cannot have. */
  readonly exactTools?: string;

  /** Null for the model's own. */
  readonly template: ChatTemplate | null;
  /** The day that the template is told, as `YYYY-MM-DD`; today where absent. */
  readonly date?: string;
  readonly origin: string;
}
