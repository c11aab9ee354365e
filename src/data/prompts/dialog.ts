/**
 * Chats asked the other way round: from an answer to what was said before it.
 *
 * @module
 */

import type { Row } from "../sources/row.ts";
import type { Content, Message } from "../content.ts";
import type { Form } from "./forms.ts";

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
