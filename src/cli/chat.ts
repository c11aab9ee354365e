/**
 * `deno task chat`: a conversation with a model.
 *
 * @module
 */
import { dayOf } from "../data/mod.ts";
import { ConfigError, FileError } from "../errors.ts";
import { openTuned } from "../tune/cache.ts";
import { type Answer, Chat, ContextFull } from "../inference/chat.ts";
import { OpenAdapter, openModel } from "../inference/open.ts";
import { exists } from "../io/files.ts";
import { nearest } from "../io/nearest.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { QUANTIZE_FLAG, quantizeOf } from "./lib/quantize.ts";
import { type Lines, openLines } from "./lib/lines.ts";
import { namedFolders } from "./lib/named.ts";
import { numberOf } from "./lib/number.ts";
import { SAMPLING_FLAGS, samplingOf, suggestionOf } from "./lib/sampling.ts";
import { chatTemplateOf } from "./lib/template.ts";
import { bold, dim, say, show } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "chat MODEL [--adapter [NAME=]ADAPTER]...",
  summary:
    "Holds a conversation with a model through its own chat template; /help lists what can " +
    "be typed. Lines can also be piped in, a turn each.",
  flags: {
    adapter: {
      type: "string",
      many: true,
      help: "PEFT folder, folder of a run or name on the hub; several as NAME=ADAPTER",
    },
    ...QUANTIZE_FLAG,
    system: { type: "string", help: "what the system says first" },
    template: { type: "string", help: "chat template by name or file, in place of the model's" },
    date: { type: "string", help: "day that the template is told (YYYY-MM-DD); today by default" },
    context: { type: "string", help: "most tokens of a conversation; the model's, 4096 at most" },
    "max-tokens": { type: "string", help: "most tokens of an answer; 1024 by default" },
    ...SAMPLING_FLAGS,
  },
  positionals: [1, 1],
  config: false,
};

/** What can be typed beside turns. */
const COMMANDS: Readonly<Record<string, string>> = {
  "/reset": "begin a new conversation",
  "/system": "what the system says from now on: /system Answer in one word.",
  "/base": "the base answers from now on",
  "/tuned": "the base with the adapter answers from now on",
  "/as": "the base or an adapter of that name answers from now on: /as mine",
  "/help": "show these lines",
  "/quit": "end; so does Ctrl-D, and Ctrl-C twice",
};

/** Exit code of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const { positionals: [place], flags, lists } = parsed;
  const options = optionsOf(parsed);
  const { alone, named } = adaptersOf(lists["adapter"] ?? []);
  const folder = await fetchFolder(place!, "model");
  const adapter = alone && await fetchFolder(alone, "adapter");
  const folders = new Map<string, string>();
  for (const [name, given] of named) folders.set(name, await fetchFolder(given, "adapter"));
  const quantize = quantizeOf(flags);
  using device = await openTuned({}, say);
  using open = openModel(device, folder, adapter, { quantize, say });
  using beside = new DisposableStack();
  const others = new Map<string, OpenAdapter>();
  for (const [name, given] of folders) others.set(name, beside.use(OpenAdapter.open(open, given)));
  using chat = new Chat(open, { ...options, ...suggestionOf(open.model, parsed) }, others);
  say(dim(`${chat.speaker} model, room for ${chat.context} tokens; /help lists the commands`));
  const talk = new Conversation(chat);
  using lines = openLines(() => talk.interrupt());
  return await talk.hold(lines);
}

/** One adapter without a name, or several by their names. */
function adaptersOf(given: readonly string[]) {
  const [only] = given;
  if (given.length === 1 && (exists(only!) || !only!.includes("="))) {
    return { alone: only!, named: new Map<string, string>() };
  }
  const named = namedFolders(given);
  if (!named.has("base")) return { alone: undefined, named };
  throw new ConfigError("--adapter: found the name base, which the model without an adapter has");
}

function optionsOf(parsed: Arguments) {
  const { flags } = parsed;
  return {
    ...samplingOf(parsed),
    maxTokens: numberOf(flags, "max-tokens", 1024, { least: 1, whole: true }),
    system: flags["system"] ?? "",
    template: chatTemplateOf(flags["template"]),
    ...(flags["date"] !== undefined && { date: dayOf(flags["date"]) }),
    ...(flags["context"] !== undefined && {
      context: numberOf(flags, "context", 0, { least: 8, whole: true }),
    }),
  };
}

/** Turns and commands, one after the other. */
export class Conversation {
  #answering: AbortController | null = null;
  #interrupts = 0;
  #lines: Lines | null = null;

  constructor(private readonly chat: Chat) {}

  /** Stops the answer that is under way; where there is none, ends at the second time. */
  interrupt(): void {
    this.#interrupts++;
    if (this.#answering) return this.#answering.abort();
    if (this.#interrupts > 1) return this.#lines?.end();
    say(dim("\nCtrl-C once more ends"));
  }

  /** Takes lines until there are no more; resolves to the exit code. */
  async hold(lines: Lines): Promise<number> {
    this.#lines = lines;
    for (;;) {
      const line = await lines.next("> ");
      if (line === null) return this.#interrupts > 1 ? INTERRUPTED : 0;
      if (line.trim() === "") continue;
      this.#interrupts = 0;
      if (line.trim() === "/quit") return 0;
      try {
        if (line.startsWith("/")) this.#command(line);
        else await this.#answer(line);
      } catch (fault) {
        say(refusalOf(fault));
      }
    }
  }

  async #answer(line: string): Promise<void> {
    this.#answering = new AbortController();
    try {
      const pieces = this.chat.answer(line, this.#answering.signal);
      let piece = await pieces.next();
      for (; !piece.done; piece = await pieces.next()) show(piece.value);
      show("\n");
      say(dim(describe(piece.value, this.chat.context)));
    } finally {
      this.#answering = null;
    }
  }

  #command(line: string): void {
    const { chat } = this;
    const [, name, rest] = /^(\S+)\s*(.*)$/.exec(line.trim())!;
    switch (name) {
      case "/reset":
        chat.reset();
        return say(dim("a new conversation begins"));
      case "/system":
        chat.system = rest!;
        return say(dim(rest === "" ? "the system says nothing" : `system: ${rest}`));
      case "/base":
      case "/tuned":
        chat.speaker = name === "/base" ? "base" : "tuned";
        return say(dim(`the ${chat.speaker} model answers`));
      case "/as":
        chat.speaker = rest!.trim();
        return say(dim(`the ${chat.speaker} model answers`));
      case "/help":
        for (const [command, help] of Object.entries(COMMANDS)) {
          say(`${bold(command.padEnd(8))} ${help}`);
        }
        return;
    }
    const [near] = nearest(name!, Object.keys(COMMANDS), 1);
    throw new ConfigError(
      `Found the unknown command ${name}, ${near ? `the nearest is ${near}` : "/help lists all"}`,
    );
  }
}

/** How an answer ended, and how fast it came. */
function describe({ end, prompt, reused, speed }: Answer, context: number): string {
  const ends = {
    turn: "",
    interrupted: "stopped; ",
    maxTokens: "cut at --max-tokens; ",
    context: "cut, for the context is full; /reset begins anew; ",
  };
  const kept = reused > 0 ? `${reused} from the cache, ` : "";
  return `${ends[end]}${kept}${speed}; ${prompt.length + speed.made} of ${context} tokens`;
}

/** One sentence for what a turn or a command was refused for; other faults end the program. */
function refusalOf(fault: unknown): string {
  if (fault instanceof ConfigError) return fault.message;
  if (fault instanceof ContextFull) {
    return `${fault.message}; the turn is taken back, /reset begins anew`;
  }
  if (fault instanceof FileError) return `${fault.message}; the turn is taken back`;
  throw fault;
}
