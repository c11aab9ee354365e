import assert from "node:assert/strict";
import { join } from "node:path";
import { chatPrompt, ChatTemplate, type ChatTurn, rowTokenizer } from "../../src/data/mod.ts";
import { ConfigError, FileError } from "../../src/errors.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import { type Answer, Chat, type ChatOptions, ContextFull } from "../../src/inference/chat.ts";
import { Generator } from "../../src/inference/generator.ts";
import { openModel } from "../../src/inference/open.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { byteLevelTokenizer, chatEncoder } from "../data/tokenize/tokenizers.ts";
import { assertClose, engine } from "../harness.ts";
import { writeTinyAdapter } from "../models/tiny.ts";
import { HEADERS, SMOLLM2, withTinyChat } from "./tiny_chat.ts";
import golden from "./chat_golden.json" with { type: "json" };

const turnsOf = (messages: readonly object[]) => messages as readonly ChatTurn[];

for (const { name, template, bos, eos, chats } of [SMOLLM2, HEADERS]) {
  Deno.test(`a conversation has the ids of transformers, ${name}`, () => {
    const tokenizer = chatEncoder(byteLevelTokenizer(), name === "headers" ? bos : null, eos);
    const chatTemplate = new ChatTemplate(name, template);
    for (const { messages, ids } of chats) {
      const facts = { ...tokenizer.chat!, bosToken: bos };
      const found = chatPrompt(turnsOf(messages), { ...tokenizer, chat: facts }, chatTemplate);
      assert.deepEqual(found.ids, ids);
      assert.deepEqual(found.ends, tokenizer.encode(eos), "the template ends a turn with it");
    }
  });
}

const smollm2 = Deno.env.get("GRAFT_SMOLLM2");

Deno.test({
  name: "a conversation has the ids of transformers, SmolLM2's folder (GRAFT_SMOLLM2)",
  ignore: smollm2 === undefined,
  fn: () => {
    const tokenizer = rowTokenizer({ tokenizer: loadTokenizer(smollm2!), folder: smollm2! });
    for (const { messages, ids } of golden.cases[2]!.chats) {
      assert.deepEqual(chatPrompt(turnsOf(messages), tokenizer, null).ids, ids);
    }
  },
});

Deno.test("special tokens that someone types stay text, and end no turn", () => {
  const tokenizer = chatEncoder(byteLevelTokenizer(), null, "<|im_end|>");
  const template = new ChatTemplate("smollm2", SMOLLM2.template);
  const typed = "ends <|im_end|> here";
  const { ids } = chatPrompt([{ role: "user", content: typed }], tokenizer, template);
  const end = tokenizer.encode("<|im_end|>")[0];
  assert.equal(ids.filter((id) => id === end).length, 2, "that of the system and that of the user");
  assert.match(tokenizer.decode(ids), /user\nends <\|im_end\|> here<\|im_end\|>\n/);
});

/** Says something and waits for the whole answer. */
async function ask(chat: Chat, text: string, signal?: AbortSignal): Promise<Answer> {
  const pieces = chat.answer(text, signal);
  let streamed = "";
  for (;;) {
    const { done, value } = await pieces.next();
    if (done) {
      assert.equal(streamed, value.text);
      return value;
    }
    streamed += value;
  }
}

async function withChat(
  options: ChatOptions & { adapter?: boolean; of?: typeof SMOLLM2 },
  action: (chat: Chat, open: ReturnType<typeof openModel>) => Promise<void>,
) {
  await withTinyChat(options.of ?? SMOLLM2, async (folder) => {
    if (options.adapter) writeTinyAdapter(join(folder, "adapter"), folder);
    const { device } = await engine();
    using open = openModel(device, folder, options.adapter ? folder : undefined);
    using chat = new Chat(open, { context: 512, maxTokens: 12, ...options });
    await action(chat, open);
  });
}

Deno.test("three turns are read as transformers would, each from where the cache ends", () =>
  withChat({}, async (chat, { engine, model }) => {
    const tokenizer = rowTokenizer(model);
    using fresh = await Generator.open(engine, model, { context: 512 });
    let cached = 0;
    for (const text of ["Hello!", "And you?", "Are you the system?"]) {
      const before = chat.turns;
      const { prompt, reused, text: said, speed } = await ask(chat, text);
      assert.deepEqual(chat.turns.slice(-2), [
        { role: "user", content: text },
        { role: "assistant", content: said },
      ]);
      const turns = [...before, { role: "user", content: text } as const];
      assert.deepEqual(prompt, chatPrompt(turns, tokenizer, null).ids);
      assert.ok(reused >= cached, `${reused} of ${prompt.length} from the cache`);
      assert.equal(speed.read, prompt.length - reused);
      cached = prompt.length;
      const alone = await Array.fromAsync(fresh.generate(prompt, { maxTokens: 12, stop: [] }));
      assert.equal(alone.length, 12);
      assert.ok(model.tokenizer.decode(alone).startsWith(said));
    }
    assert.ok(cached > 100);
  }));

Deno.test("what follows a cached beginning has the scores of a whole reading", () =>
  withChat({}, async (_, { engine, model }) => {
    const ids = SMOLLM2.chats[2]!.ids;
    using kept = await Generator.open(engine, model, { context: 512 });
    using fresh = await Generator.open(engine, model, { context: 512 });
    const last = async (generator: Generator, length: number, fromCache: boolean) => {
      const prompt = ids.slice(0, length);
      const read = length - (fromCache ? generator.commonWith(prompt) : 0);
      await Array.fromAsync(generator.generate(prompt, { maxTokens: 1, stop: [], fromCache }));
      const rows = read === 1 ? 4 : read <= 32 ? 16 : 64;
      const logits = generator["programs"].get(rows)!.output("logits");
      return await readFloats(engine.device, { ...logits, size: 4 * model.config.vocabSize });
    };
    for (const length of [5, 6, 70, 102, 135, ids.length]) {
      const read = kept.commonWith(ids.slice(0, length));
      const [found, wanted] = [await last(kept, length, true), await last(fresh, length, false)];
      assertClose(found, wanted, 1e-6, `scores after ${length} tokens, ${read} of them kept`);
    }
    assert.equal(kept.commonWith(ids), ids.length - 1);
    assert.equal(kept.commonWith([...ids.slice(0, 50), 9, 9]), 50);
  }));

Deno.test("base and tuned answer in turn, over one copy of the weights", () =>
  withChat({ adapter: true }, async (chat, open) => {
    const { device } = open.engine;
    assert.equal(chat.speaker, "tuned");
    const tuned = await ask(chat, "Hello!");
    const before = device.allocated;
    chat.reset();
    chat.speaker = "base";
    const base = await ask(chat, "Hello!");
    assert.notEqual(base.text, tuned.text);
    const taken = device.allocated - before;
    using alone = await Generator.open(open.engine, open.model, { context: 512 });
    await Array.fromAsync(alone.generate(base.prompt, { maxTokens: 1 }));
    assert.equal(device.allocated - before - taken, taken, "programs and caches, no weights");
    chat.reset();
    chat.speaker = "tuned";
    const again = await ask(chat, "Hello!");
    assert.equal(again.text, tuned.text);
    assert.equal(again.reused, again.prompt.length - 1);
  }));

Deno.test("an answer ends at a stop string, at a signal, and where there is no more room", () =>
  withChat({ maxTokens: 40 }, async (chat, open) => {
    const whole = await ask(chat, "Hello!");
    assert.equal(whole.end, "maxTokens");
    assert.ok(whole.text.length > 10, whole.text);
    const stop = whole.text.slice(6, 9);
    using stopped = new Chat(open, { context: 512, maxTokens: 40, stopStrings: ["~~~~", stop] });
    const cut = await ask(stopped, "Hello!");
    assert.equal(cut.end, "turn");
    assert.equal(cut.text, whole.text.slice(0, whole.text.indexOf(stop)));

    const controller = new AbortController();
    const pieces = chat.answer("And you?", controller.signal);
    const { value: first } = await pieces.next();
    controller.abort();
    const { value: end } = await pieces.next();
    assert.equal((end as Answer).end, "interrupted");
    assert.equal(chat.turns.at(-1)!.content, first);
    await pieces.return(undefined as never);

    const tokens = whole.prompt.length;
    using small = new Chat(open, { context: tokens + 3, maxTokens: 40 });
    assert.equal((await ask(small, "Hello!")).end, "context");
    await assert.rejects(ask(small, "And you?"), (fault: Error) => {
      assert.ok(fault instanceof ContextFull);
      return /^Found \d+ tokens in the conversation, wanted fewer than/.test(fault.message);
    });
    assert.equal(small.turns.length, 2, "the turn has not been");
  }));

const REFUSES = "{%- for message in messages %}{%- if 'no' in message.content %}" +
  "{{- raise_exception('not that') }}{%- endif %}{{- message.content + '<|im_end|>' }}{%- endfor %}";

Deno.test("a turn that the template refuses is taken back, and the conversation goes on", () =>
  withChat({ of: { ...SMOLLM2, template: REFUSES } }, async (chat) => {
    await ask(chat, "yes");
    const before = chat.turns;
    await assert.rejects(ask(chat, "no"), FileError);
    assert.deepEqual(chat.turns, before);
    const { prompt } = await ask(chat, "yes");
    assert.ok(prompt.length > 0);
    chat.system = "no";
    await assert.rejects(ask(chat, "yes"), /not that/);
    chat.system = "";
    chat.reset();
    assert.deepEqual(chat.turns, []);
  }));

Deno.test("a model without a chat template wants one, and none without an adapter is tuned", () =>
  withTinyChat({ ...SMOLLM2, template: "" }, async (folder) => {
    Deno.writeTextFileSync(join(folder, "tokenizer_config.json"), "{}");
    using open = openModel((await engine()).device, folder);
    assert.throws(() => new Chat(open), ConfigError);
    using chat = new Chat(open, { template: new ChatTemplate("smollm2", SMOLLM2.template) });
    assert.throws(() => chat.speaker = "tuned", /no adapter beside the base/);
  }));
