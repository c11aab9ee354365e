/**
 * What a row says, before any template: the shapes that all formats read into.
 *
 * @module
 */

/** The label of a token that the loss does not see, as in PyTorch and Hugging Face. */
export const UNSUPERVISED: number = -100;

/** Who speaks. */
export type Role = "system" | "user" | "assistant" | "tool";

/** A call of a tool by an assistant. */
export interface ToolCall {
  /** What the tool's answer names. */
  readonly id?: string;
  /** The tool. */
  readonly name: string;
  /** By their names. */
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Their JSON, where that has numbers or an order of names that `arguments` cannot have. */
  readonly exact?: string;
  /** Their JSON as it is written, where the row has them as a text. */
  readonly text?: string;
}

/** Someone's turn of a chat. */
export interface ChatTurn {
  /** Who says it. */
  readonly role: Role;
  /** "" where it has calls alone. */
  readonly content: string;
  /** What an assistant calls, at least one. */
  readonly toolCalls?: readonly ToolCall[];
  /** Who it is by name; of a tool's turn the tool. */
  readonly name?: string;
  /** Of a tool's turn: the call that it answers. */
  readonly toolCallId?: string;
  /** Its other fields, such as `reasoning_content`: what a template may read. */
  readonly others?: Readonly<Record<string, unknown>>;
  /** The JSON of those of them that have numbers or an order of keys that `others` cannot have. */
  readonly exactOthers?: Readonly<Record<string, string>>;
}

/** A turn to learn from. */
export interface Message extends ChatTurn {
  /** Whether the loss sees it, if it is an assistant's. */
  readonly supervised: boolean;
}

/** Something asked and what answers it. */
export interface Exchange {
  readonly instruction: string;
  /** What it is asked of, "" where there is nothing. */
  readonly input: string;
  readonly answer: string;
}

/** Whether an answer is wanted, or the number or the name of a class. */
export type Label = boolean | number | string;

/** What a row says of its answers for those who judge them; training reads nothing of it. */
export interface Judged {
  /** All answers that are right, where there are several. */
  readonly references?: readonly string[];
  /** Answers to choose from, where the row has some. */
  readonly choices?: readonly string[];
}

/** Something asked or said before, and what answers it. */
export type Answered = Content & { readonly kind: "instruction" | "chat" };

/** The content of one document, or of the two of a preference. */
export type Content =
  & {
    /** Where it came from, for messages: `rows.jsonl:12`. */
    readonly origin: string;
    /** What in it is empty and must not be, as messages name it (`an empty output`), or null. */
    readonly empty: string | null;
    /** What the row is labelled with: whether its answer is wanted, or its class. */
    readonly label?: Label;
  }
  & (
    | {
      readonly kind: "instruction";
      readonly exemplars?: readonly Exchange[];
      /** The instruction with ever fewer of the examples within it, for where it is too long. */
      readonly fewer?: readonly string[];
    }
      & Exchange
      & Judged
    | {
      readonly kind: "chat";
      readonly messages: readonly Message[];
      /** What a template is told of the tools that may be called, as the row has it. */
      readonly tools?: readonly unknown[];
      /** Their JSON, where that has numbers or an order of keys that `tools` cannot have. */
      readonly exactTools?: string;
    }
    | { readonly kind: "text"; readonly text: string }
    /** Several answers to the same prompt: the chosen one first where they have no grades. */
    | { readonly kind: "preference"; readonly answers: readonly Answered[] } & Grades
    | {
      readonly kind: "tokens";
      readonly ids: readonly number[];
      readonly labels: readonly number[];
    }
  );

/** An instruction with its answer; `field` is where the answer was found. */
export function instructionContent(
  origin: string,
  { instruction, input = "", answer, field, ...judged }: Judged & {
    readonly instruction: string;
    readonly fewer?: readonly string[];
    readonly input?: string;
    readonly answer: string;
    readonly field: string;
  },
): Content & { kind: "instruction" } {
  const empty = blank(answer, field);
  return { kind: "instruction", instruction, input, answer, ...judged, origin, empty };
}

/** All that is asked, in one text. */
export function asked({ instruction, input }: Exchange): string {
  return input === "" ? instruction : `${instruction}\n\n${input}`;
}

/** The text by which contents count as the same. */
export function contentText(content: Content): string {
  switch (content.kind) {
    case "instruction":
      return `${asked(content)}\n${content.answer}`;
    case "chat":
      return content.messages.map(messageText).join("\n");
    case "text":
      return content.text;
    case "preference":
      return content.answers.map(contentText).join("\n");
    case "tokens":
      return content.ids.join(" ");
  }
}

/** What a turn says, and what it calls. */
export function messageText({ content, toolCalls }: Message): string {
  return content + (toolCalls ? JSON.stringify(toolCalls) : "");
}

/** What to say of a text that holds nothing but white space, or null. */
export function blank(text: string, field: string): string | null {
  return text.trim() === "" ? `an empty ${field}` : null;
}

/** How several answers to a prompt compare. */
export interface Grades {
  /** Of each answer, the higher the better; absent of two of which the first is chosen. */
  readonly grades?: readonly number[] | undefined;
  /** How much better the chosen one is, where that is known. */
  readonly margin?: number | undefined;
}
