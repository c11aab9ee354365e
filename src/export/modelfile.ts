/**
 * A Modelfile of Ollama for a GGUF file: the chat template in Go's language, and what ends an answer.
 *
 * Source: https://github.com/ollama/ollama/blob/main/docs/modelfile.md and `template/template.go`
 * there: `.System` is what systems say, `.Messages` the turns.
 *
 * @module
 */
import { type ChatTemplate, readChatFacts } from "../data/mod.ts";
import { END_TOKENS } from "../data/templates/builtin.ts";
import { FileError } from "../errors.ts";
import { loadTokenizer } from "../io/tokenizer/tokenizer.ts";
import { modelJson } from "../io/model_files.ts";

/** What stands around turns, where user and assistant come in turn. */
interface Frame {
  /** Before and after what the system says, up to the first user's text. */
  readonly system: readonly [before: string, after: string];
  /** Before the first user's text where no system speaks. */
  readonly begin: string;
  /** From a user's text to where the answer is written. */
  readonly opens: string;
  /** Between there and an answer that has been given. */
  readonly leads: string;
  /** From an answer to the next user's text. */
  readonly closes: string;
}

/** Texts that no template writes. */
const [SYSTEM, USER, ANSWER, NEXT] = ["QXSYSTEMXQ", "QXUSERXQ", "QXANSWERXQ", "QXNEXTXQ"] as const;
const TURNS = [["user", USER], ["assistant", ANSWER], ["user", NEXT]] as const;
const WITH_SYSTEM = [["system", SYSTEM], ...TURNS] as const;

/** Chats that a frame must render as the template does. */
type Chat = readonly (readonly ["system" | "user" | "assistant", string])[];

/**
 * The text of a Modelfile for the GGUF file of this name beside it.
 *
 * @param folder the model's, whose own template is taken where none is given.
 * @throws {FileError} where there is no template, or one whose turns are not each put between the same
 * texts.
 */
export function modelfile(folder: string, file: string, given: ChatTemplate | null): string {
  const facts = readChatFacts(folder);
  const template = given ?? facts.template;
  if (template === null) {
    throw new FileError(`${folder}: found no chat template for a Modelfile, wanted one named`);
  }
  const render = (chat: Chat) =>
    template.render(chat.map(([role, content]) => ({ role, content })), facts, folder, {
      generationPrompt: true,
    });
  const frame = frameOf(render);
  if (frame === undefined || !CHATS.every((chat) => render(chat) === framed(frame, chat))) {
    throw new FileError(
      `${folder}: template ${template.name} puts turns between texts that change, wanted one that a ` +
        "Modelfile can say",
    );
  }
  const bos = loadTokenizer(folder).addsBos ? facts.bosToken : ""; // which llama.cpp adds itself
  const text = goTemplate(withoutBos(frame, bos));
  const stops = stopsOf(folder, frame, facts);
  return [
    `FROM ./${file}`,
    `TEMPLATE ${quoted(text, folder)}`,
    ...stops.map((stop) => `PARAMETER stop ${JSON.stringify(stop)}`),
  ].join("\n") + "\n";
}

const CHATS: readonly Chat[] = [
  [["user", USER]],
  [["system", SYSTEM], ["user", USER]],
  TURNS,
  WITH_SYSTEM,
  [...WITH_SYSTEM, ["assistant", SYSTEM], ["user", ANSWER]],
];

/** What the template puts around the turns of two chats; undefined where it leaves one out. */
function frameOf(render: (chat: Chat) => string): Frame | undefined {
  const parts = cut(render(WITH_SYSTEM), [SYSTEM, USER, ANSWER, NEXT]);
  const begin = cut(render(TURNS), [USER, ANSWER, NEXT])?.[0];
  if (parts === undefined || begin === undefined) return undefined;
  const [before, after, between, closes, opens] = parts as [string, string, string, string, string];
  if (!between.startsWith(opens)) return undefined;
  return { system: [before, after], begin, opens, leads: between.slice(opens.length), closes };
}

/** The parts of a text between others that stand in it once each, in this order. */
function cut(text: string, at: readonly string[]): string[] | undefined {
  const parts: string[] = [];
  for (const word of at) {
    const [part, ...rest] = text.split(word);
    if (rest.length !== 1) return undefined;
    parts.push(part!);
    text = rest[0]!;
  }
  return [...parts, text];
}

/** A chat as the Modelfile's template renders it. */
function framed({ system, begin, opens, leads, closes }: Frame, chat: Chat): string {
  const turns = chat.filter(([role]) => role !== "system");
  const said = chat.find(([role]) => role === "system")?.[1];
  const first = said === undefined ? begin : system[0] + said + system[1];
  return first +
    turns.map(([role, content]) => role === "user" ? content + opens : leads + content + closes)
      .join("");
}

function withoutBos({ system: [before, after], begin, ...rest }: Frame, bos: string): Frame {
  const cutOff = (text: string) => text.startsWith(bos) ? text.slice(bos.length) : text;
  return { ...rest, system: [cutOff(before), after], begin: cutOff(begin) };
}

/** Actions are not trimmed, so that all that stands between them is text. */
function goTemplate({ system: [before, after], begin, opens, leads, closes }: Frame): string {
  const text = (literal: string) => literal.replaceAll("{{", '{{ "{{" }}');
  return `{{ if .System }}${text(before)}{{ .System }}${text(after)}{{ else }}${text(begin)}` +
    `{{ end }}{{ range .Messages }}{{ if eq .Role "user" }}{{ .Content }}${text(opens)}` +
    `{{ else if eq .Role "assistant" }}${text(leads)}{{ .Content }}${
      text(closes)
    }{{ end }}{{ end }}`;
}

function quoted(text: string, folder: string): string {
  const mark = '"""';
  if (!text.includes(mark)) return mark + text + mark;
  throw new FileError(`${folder}: found ${mark} in the template, which a Modelfile cannot quote`);
}

/** The texts of the tokens that end a text, and of the one that closes an answer. */
function stopsOf(
  folder: string,
  { closes }: Frame,
  { eosToken, specialTokens }: ReturnType<typeof readChatFacts>,
): string[] {
  const { decode } = loadTokenizer(folder);
  const ids = ["config.json", "generation_config.json"]
    .flatMap((name) => [modelJson(folder, name)?.["eos_token_id"] ?? []].flat())
    .filter((id): id is number => Number.isInteger(id));
  const closing = [...specialTokens, ...END_TOKENS].filter((token) => closes.startsWith(token));
  const texts = [...closing, eosToken, ...ids.map((id) => decode([id], { skipSpecial: false }))];
  return [...new Set(texts)].filter((text) => text !== "");
}
