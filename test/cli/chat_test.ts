import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Conversation, run } from "../../src/cli/chat.ts";
import type { Lines } from "../../src/cli/lib/lines.ts";
import { Chat } from "../../src/inference/chat.ts";
import { openModel } from "../../src/inference/open.ts";
import { engine } from "../harness.ts";
import { SMOLLM2, withTinyChat } from "../inference/tiny_chat.ts";
import { writeTinyAdapter } from "../models/tiny.ts";
import { capture } from "./capture.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A program that chats. */
interface Chatting {
  readonly pid: number;
  /** Resolves when more of an answer has been shown. */
  shown(): Promise<void>;
}

/** Runs the program with these lines on its standard input, one at a time with what comes between. */
async function piped(args: string[], ...lines: (string | ((child: Chatting) => Promise<void>))[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, "chat", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  let stdout = "";
  let more = Promise.withResolvers<void>();
  const read = async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      stdout += text;
      more.resolve();
      more = Promise.withResolvers<void>();
    }
    more.resolve();
  };
  const reading = read();
  const noted = new Response(child.stderr).text();
  for (const line of lines) {
    if (typeof line === "string") await writer.write(new TextEncoder().encode(`${line}\n`));
    else await line({ pid: child.pid, shown: () => more.promise });
  }
  await writer.close();
  await reading;
  return { code: (await child.status).code, stdout, stderr: await noted };
}

Deno.test("lines that are piped in are turns and commands, one after the other", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const adapter = join(folder, "adapter");
    writeTinyAdapter(adapter, folder);
    const args = [folder, "--adapter", adapter, "--context", "512", "--max-tokens", "8"];
    const found = await piped(
      args,
      ...["Hello!", "", "/base", "And you?", "/system Be brief.", "/rest", "/help", "/tuned"],
      ...["Hello!", "/reset", "/quit", "never read"],
    );
    assert.equal(found.code, 0, found.stderr);
    assert.equal(found.stdout.split("\n").filter((line) => line !== "").length >= 3, true);
    assert.match(found.stderr, /tuned model, room for 512 tokens/);
    assert.match(found.stderr, /the base model answers[^]*system: Be brief\.[^]*the tuned model/);
    assert.match(found.stderr, /unknown command \/rest, the nearest is \/reset/);
    assert.match(found.stderr, /\/quit +end/);
    assert.match(
      found.stderr,
      /\d+ from the cache, prompt \d+ tokens in [\d.]+ s, .* of 512 tokens/,
    );
    assert.ok(!found.stderr.includes("error") && !found.stderr.includes("\x1b"), found.stderr);
  }));

Deno.test("adapters are switched by name over one copy of the weights", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const [a, b] = ["a", "b"].map((name) => join(folder, name));
    writeTinyAdapter(a!, folder);
    writeTinyAdapter(b!, folder, 60);
    const how = ["--context", "512", "--max-tokens", "8"];
    const answers = async (args: string[], ...lines: string[]) => {
      const { code, stdout, stderr } = await piped([folder, ...args, ...how], ...lines);
      assert.equal(code, 0, stderr);
      return { stderr, answer: stdout };
    };
    const both = ["--adapter", `a=${a}`, "--adapter", `b=${b}`];
    const lines = ["Hello!", "/reset", "/as b", "Hello!", "/as c", "/as base"];
    const { stderr, answer } = await answers(both, ...lines);
    const one = await answers(["--adapter", a!], "Hello!");
    const other = await answers(["--adapter", b!], "Hello!");
    assert.notEqual(one.answer, other.answer);
    assert.equal(answer, one.answer + other.answer);
    assert.match(
      stderr,
      /^a model, room[^]*the b model answers[^]*no adapter c, wanted one of base, a, b/,
    );
    assert.match(stderr, /the base model answers/);
    const bad = ["--adapter", a!, "--adapter", `b=${b}`];
    await assert.rejects(run([folder, ...bad]), /--adapter: found \S+, wanted NAME=FOLDER/);
    await assert.rejects(run([folder, "--adapter", `base=${a}`]), /found the name base/);
  }));

Deno.test("the end of the input ends it, and a signal an answer only", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const args = [folder, "--context", "8192", "--max-tokens", "8000"];
    const interrupt = async ({ pid, shown }: Chatting) => {
      await shown();
      Deno.kill(pid, "SIGINT");
    };
    const found = await piped(args, "Hello!", interrupt);
    assert.equal(found.code, 0, found.stderr);
    const notes = found.stderr.split("\n").filter((line) => /answer \d+ tokens/.test(line));
    assert.ok(notes.length === 1 && notes[0]!.startsWith("stopped; "), found.stderr);
  }, { max_position_embeddings: 8192 }));

/** Lines as they would be typed. Ctrl-C is pressed at the prompt, or in the answer to a line. */
class Typed implements Lines {
  ended = false;
  interrupt = () => {};
  constructor(private readonly lines: string[]) {}

  next(): Promise<string | null> {
    while (this.lines[0] === "Ctrl-C" && !this.ended) {
      this.lines.shift();
      this.interrupt();
    }
    if (this.ended) return Promise.resolve(null);
    const line = this.lines.shift() ?? null;
    if (line?.endsWith("Ctrl-C")) setTimeout(this.interrupt, 1);
    return Promise.resolve(line);
  }

  end(): void {
    this.ended = true;
  }
  [Symbol.dispose]() {}
}

/** Holds a conversation of such lines. */
function hold(chat: Chat, ...lines: string[]) {
  const talk = new Conversation(chat);
  const typed = new Typed(lines);
  typed.interrupt = () => talk.interrupt();
  return capture(() => talk.hold(typed));
}

Deno.test("Ctrl-C stops an answer, and ends the program where there is none the second time", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    using open = openModel((await engine()).device, folder);
    using chat = new Chat(open, { context: 512, maxTokens: 200 });
    const stopped = await hold(chat, "Hello! Ctrl-C", "/help");
    assert.equal(stopped.code, 0);
    assert.match(stopped.stderr, /stopped; [^]*\/help/);
    const ended = await hold(chat, "/help", "Ctrl-C", "Ctrl-C", "/help");
    assert.equal(ended.code, 130);
    assert.equal(ended.stderr.match(/show these lines/g)!.length, 1);
    const both = await hold(chat, "Hello! Ctrl-C", "Ctrl-C", "/help");
    assert.equal(both.code, 130, "one in the answer, one at the prompt after it");
    const goesOn = await hold(chat, "/help", "Ctrl-C", "/help");
    assert.equal(goesOn.code, 0);
    assert.match(goesOn.stderr, /once more ends/);
  }));

const REFUSES = `${SMOLLM2.template}{%- if messages[-1].content == 'no' %}` +
  "{{- raise_exception('not that') }}{%- endif %}";

Deno.test("a turn that is refused is told in one sentence, and the next one is taken", () =>
  withTinyChat({ ...SMOLLM2, template: REFUSES }, async (folder) => {
    using open = openModel((await engine()).device, folder);
    using chat = new Chat(open, { context: 128, maxTokens: 8 });
    const lines = [
      "no",
      "yes",
      "a turn that is far too long for what is left of the context",
      "/reset",
    ];
    const found = await capture(() => new Conversation(chat).hold(new Typed(lines)));
    assert.equal(found.code, 0);
    const [refused, , full] = found.stderr.split("\n");
    assert.match(refused!, /^the chat: found a chat that template of the model cannot render/);
    assert.match(refused!, /\(not that\); the turn is taken back$/);
    assert.match(full!, /^Found 1\d\d tokens .* fewer than the 128 of the context; .* \/reset/);
    assert.notEqual(found.stdout.trim(), "");
  }));

for (
  const [line, message] of [
    ["", /0 arguments, wanted 1/],
    ["model --max-tokens 0", /--max-tokens 0, wanted a whole number from 1 on/],
    ["model --context 2", /--context 2, wanted a whole number from 8 on/],
    ["model --template plain", /template plain, wanted one of chats/],
    ["model --template none", /template "none", wanted one of/],
    ["model --top-p 2", /--top-p 2, wanted/],
  ] as const
) {
  Deno.test(`chat refuses "${line}"`, () =>
    assert.rejects(run(line.split(" ").filter(Boolean)), { name: "ConfigError", message }));
}
