/**
 * Rows that hold two answers to a prompt, of which one is preferred.
 *
 * @module
 */

import { fault, fieldFault, own, type Row, text } from "../sources/row.ts";
import { chat, readTurns } from "./chats.ts";
import { type Answered, type Content, instructionContent, type Message } from "../content.ts";

/** The fields of the answers. */
const ANSWERS = ["chosen", "rejected"] as const;

/**
 * A prompt with a `chosen` and a `rejected` answer. Each of the three is a text or a list of
 * messages. Without a prompt, or with a text beside lists, the answers are whole chats, and the
 * prompt is all turns that both begin with, as `extract_prompt` of TRL takes it; so are transcripts
 * of a human and an assistant.
 *
 * @throws {FileError} where the prompt is missing or is not the same, or an answer is no answer.
 */
export function readPreference(row: Row): Content {
  if (isTranscripts(row)) return readPreference(turnsOf(row));
  const isChat = ["prompt", ...ANSWERS].some((field) => Array.isArray(own(row.fields, field)));
  const [chosen, rejected] = isChat ? readChats(row) : ANSWERS.map((field) => readText(row, field));
  const same = answerOf(chosen!) === answerOf(rejected!);
  const empty = chosen!.empty ?? rejected!.empty ?? (same ? "chosen and rejected the same" : null);
  const { origin } = row;
  const margin = own(row.fields, "margin");
  if (margin !== undefined && !(typeof margin === "number" && Number.isFinite(margin))) {
    throw fieldFault(row, "margin", "a number");
  }
  const answers = [chosen!, rejected!];
  return {
    kind: "preference",
    answers,
    ...(margin !== undefined && { margin: Math.fround(margin) }),
    origin,
    empty,
  };
}

/** Who speaks in the transcripts of HH-RLHF: `\n\nHuman: Hi\n\nAssistant: Hello`. */
const SPEAKER = /(?:^|\n\n)(Human|Assistant):/;
const SPEAKERS: Readonly<Record<string, string>> = { Human: "user", Assistant: "assistant" };

/** Whether both answers are transcripts of a whole conversation. */
const isTranscripts = ({ fields }: Row): boolean =>
  own(fields, "prompt") === undefined && ANSWERS.every((field) => {
    const value = own(fields, field);
    return typeof value === "string" && /^\s*Human:/.test(value) && value.includes("Assistant:");
  });

/** The same row with messages in place of transcripts. */
function turnsOf(row: Row): Row {
  const answers = ANSWERS.map((field) => {
    const [, ...parts] = text(row, field).trim().split(SPEAKER);
    const turns = parts.flatMap((part, i) =>
      i % 2 === 0 ? [{ role: SPEAKERS[part]!, content: parts[i + 1]!.trim() }] : []
    );
    return [field, turns] as const;
  });
  return { fields: { ...row.fields, ...Object.fromEntries(answers) }, origin: row.origin };
}

function readText(row: Row, field: string): Answered {
  const [instruction, answer] = [text(row, "prompt"), text(row, field)];
  return instructionContent(row.origin, { instruction, answer, field });
}

/** What is compared: two answers to one prompt differ if the whole contents do. */
function answerOf(content: Answered): string {
  return content.kind === "chat" ? JSON.stringify(content.messages) : content.answer;
}

function readChats(row: Row): Answered[] {
  const answers = ANSWERS.map((field) => readTurns(row, field, "assistant"));
  const given = own(row.fields, "prompt") ?? [];
  const prompt = readTurns(row, "prompt", "user", given);
  const shared = Array.isArray(given) && prompt.length > 0 ? 0 : sharedTurns(answers);
  if (shared === 0 && prompt.length === 0) {
    throw fault(
      row,
      "chosen and rejected that begin with different turns",
      "the same prompt in both",
    );
  }
  const before = (shared > 0 ? answers[0]!.slice(0, shared) : prompt)
    .map((turn): Message => ({ ...turn, supervised: false }));
  return answers.map((turns, i) => {
    const answer = turns.slice(shared);
    const field = ANSWERS[i]!;
    if (answer[0]?.role === "assistant") return chat(row, [...before, ...answer]);
    const found = answer.length === 0
      ? `nothing in ${field} after the turns that both answers begin with`
      : `a turn of ${answer[0]!.role} in ${field} where the answer should begin`;
    throw fault(row, found, "an assistant's turn after the same prompt");
  });
}

/** How many turns both answers begin with; of two that are the same, all but the last. */
function sharedTurns(answers: readonly Message[][]): number {
  const [chosen, rejected] = answers.map((turns) => turns.map((turn) => JSON.stringify(turn)));
  const differs = chosen!.findIndex((turn, i) => turn !== rejected![i]);
  if (differs >= 0) return differs;
  return chosen!.length < rejected!.length ? chosen!.length : Math.max(0, chosen!.length - 1);
}
