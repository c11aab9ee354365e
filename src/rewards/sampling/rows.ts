/**
 * Chosen answers as rows to learn from.
 *
 * @module
 */
import {
  type ChatTurn,
  DEFAULT_TEMPLATE,
  type FiledRequest,
  renderPrompt,
  resolveTemplates,
  type TemplateSetting,
} from "../../data/mod.ts";
import { asked } from "../../data/mod.ts";
import type { Chosen } from "./choose.ts";

/** What stands around an instruction when it is asked. */
export interface AskedIn {
  readonly template?: TemplateSetting;
  readonly system?: string;
  /** Whether the model has chats of its own, in which it is asked where no template is named. */
  readonly hasChats: boolean;
}

/** What is asked, in one text for rewards: of a chat the last turn of a user. */
export function promptText(request: FiledRequest): string {
  if (request.kind === "text") return request.text;
  if (request.kind === "instruction") return asked({ ...request, answer: "" });
  return `${request.turns.findLast(({ role }) => role === "user")?.content ?? ""}`;
}

/**
 * A row of preferences: its prompt is what the model read, so that it learns from what it wrote there.
 */
export function pairRow(
  request: FiledRequest,
  { chosen, rejected }: NonNullable<Chosen["pair"]>,
  askedIn: AskedIn,
): object {
  const prompt = promptIn(request, askedIn);
  const answer = (text: string) =>
    typeof prompt === "string" ? text : [{ role: "assistant", content: text }];
  return { prompt, chosen: answer(chosen.text), rejected: answer(rejected.text) };
}

function promptIn(
  request: FiledRequest,
  { template, system = "", hasChats }: AskedIn,
): string | readonly Pick<ChatTurn, "role" | "content">[] {
  if (request.kind === "text") return request.text;
  if (request.kind === "chat") {
    return request.turns.map(({ role, content }) => ({ role, content }));
  }
  const { prompt } = template === undefined && hasChats
    ? { prompt: null }
    : resolveTemplates(template, DEFAULT_TEMPLATE)[0]!;
  if (prompt !== null) return renderPrompt(prompt, request).text;
  const turn = { role: "user", content: asked({ ...request, answer: "" }) } as const;
  return system === "" ? [turn] : [{ role: "system", content: system }, turn];
}
