/**
 * Chain-of-thought and input inversion: the same row, asked for more, or the other way round.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import type { RowRng } from "../row_rng.ts";
import { fault, type Row, text } from "../sources/row.ts";
import { asked, type Content, type Exchange, type Message } from "../content.ts";
import { fill, type Pattern } from "./patterns.ts";
import { CHAIN_OF_THOUGHT, DIALOG_INVERSION, INVERSION } from "./form_patterns.ts";

/** A share of the rows, and the patterns that they take, sampled for each. */
export interface FormSettings {
  /** Of the rows, 0 to 1. */
  readonly share: number;
  /**
   * With the fields {question} (of a chat, all before the last answer), {answer} and
   * {chain_of_thought}; built-in ones where absent.
   */
  readonly patterns?: readonly Pattern[];
}

/** Rows that are asked for the way to their answer. The others answer without it. */
export interface ChainOfThoughtSettings extends FormSettings {
  /**
   * The field that holds the way. Where absent, it is what stands before the `#### ` of an answer, as
   * in GSM8K.
   */
  readonly field?: string;
}

/** What a config says of forms. */
export interface Forms {
  readonly chain_of_thought?: ChainOfThoughtSettings;
  readonly inversion?: FormSettings;
}

/** One form of a row; every exemplar in its prompt takes the same. */
export interface Form {
  readonly name: "plain" | "chain_of_thought" | "inversion";
  /** @throws {FileError} if the row has no chain of thought and the config wants one. */
  apply(exchange: Exchange, row: Row): Exchange;
}

/** What divides the way from the answer in GSM8K. */
const FINAL = /\s*\n#### */;

/**
 * The form that is sampled for a row.
 *
 * @throws {ConfigError} if the shares add up to more than 1, or no pattern suits the rows.
 */
export function sampleForm(forms: Forms, kind: "chat" | "instruction", rng: RowRng): Form {
  const { chain_of_thought: thought, inversion } = forms;
  const [thoughtShare, inversionShare] = [thought?.share ?? 0, inversion?.share ?? 0];
  if (thoughtShare + inversionShare > 1) {
    const found = `shares of ${thoughtShare} and ${inversionShare}`;
    throw new ConfigError(`Found ${found} for chain_of_thought and inversion, wanted 1 at most`);
  }
  const at = rng.uniform();
  if (at < thoughtShare) {
    const pattern = oneOf(thought!.patterns ?? CHAIN_OF_THOUGHT, rng);
    return formOf("chain_of_thought", forms, pattern);
  }
  if (at >= thoughtShare + inversionShare) return formOf("plain", forms, null);
  const patterns = inversion!.patterns ?? (kind === "chat" ? DIALOG_INVERSION : INVERSION);
  const suiting = patterns.filter(({ input, target }) =>
    thought !== undefined || !(input + target).includes("{chain_of_thought}")
  );
  return formOf("inversion", forms, oneOf(suiting, rng));
}

function oneOf(patterns: readonly Pattern[], rng: RowRng): Pattern {
  if (patterns.length > 0) return patterns[rng.below(patterns.length)]!;
  throw new ConfigError(
    "Found only patterns of {chain_of_thought} in data.inversion, wanted data.chain_of_thought too",
  );
}

function formOf(name: Form["name"], { chain_of_thought }: Forms, pattern: Pattern | null): Form {
  return {
    name,
    apply(exchange, row) {
      const { way, answer } = chain_of_thought
        ? parted(exchange, row, chain_of_thought)
        : { way: "", answer: exchange.answer };
      if (pattern === null) return { ...exchange, answer };
      const fields = { question: asked(exchange), answer, chain_of_thought: way };
      const words = { fields, origin: row.origin };
      const answerText = fill(pattern.target, words);
      return { instruction: fill(pattern.input, words), input: "", answer: answerText };
    },
  };
}

/** The way to an answer, and the answer alone. */
function parted({ answer }: Exchange, row: Row, { field }: ChainOfThoughtSettings) {
  if (field !== undefined) return { way: text(row, field), answer };
  const [way, final, ...others] = answer.split(FINAL);
  if (final !== undefined && others.length === 0) return { way: way!, answer: final };
  const wanted = "the way to the answer before it, or its field in data.chain_of_thought.field";
  throw fault(row, "an answer without one ####", wanted);
}

/** A chat as its content has it. */
type Chat = Content & { readonly kind: "chat" };

/**
 * A chat of two turns: the last answer, and the turns before it, a line each, as what to say. Null
 * for a chat that has calls in it, or whose last answer is not learnt.
 */
export function invertedChat(chat: Chat, form: Form, row: Row): Chat | null {
  const spoken = chat.messages.filter(({ role }) => role !== "system");
  const last = spoken.at(-1);
  const hasTools = spoken.some(({ role, toolCalls }) => role === "tool" || toolCalls);
  if (hasTools || spoken.length < 2 || !last?.supervised) return null;
  const before = spoken.slice(0, -1).map(({ content }) => content).join("\n");
  const exchange = { instruction: before, input: "", answer: last.content };
  const { instruction, answer } = form.apply(exchange, row);
  const messages: Message[] = [
    { role: "user", content: instruction, supervised: false },
    { role: "assistant", content: answer, supervised: true },
  ];
  return { kind: "chat", messages, origin: chat.origin, empty: null };
}
