import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { chatTemplateSources, readChatFacts } from "../../src/data/templates/chat_facts.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { encodingOf } from "../../src/export/gguf/file_types.ts";
import { readSettings } from "../../src/export/gguf/settings.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { openGguf } from "../../src/io/gguf/reader.ts";
import type { GgufType } from "../../src/io/gguf/tensor_types.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { byteTokenizer, spaceTokenizer } from "../export/tokenizers.ts";
import { readGolden, writeGolden } from "../golden/golden.ts";
import { withFolder } from "../io/helpers.ts";

type Json = Record<string, unknown>;

const TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";

interface Exported {
  name: string;
  type?: GgufType;
  tokenizer?: Json;
  changed?: Json;
}

/** A golden checkpoint and the GGUF file that it is exported to. */
function withBoth(
  { name, type = "F32", tokenizer = byteTokenizer(), changed = {} }: Exported,
  action: (folder: string, file: string) => void,
): void {
  withFolder((parent) => {
    const folder = join(parent, "model");
    const file = join(parent, "model.gguf");
    writeGolden(folder, readGolden(name), changed);
    Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    const settings = { bos_token: "<s>", eos_token: "</s>", add_bos_token: true };
    const config = { ...settings, chat_template: TEMPLATE };
    Deno.writeTextFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
    exportGguf(folder, file, { type });
    action(folder, file);
  });
}

const NO_WINDOW = { use_sliding_window: false, layer_types: null };

for (const name of ["llama", "llama_bias", "qwen2", "qwen3"]) {
  Deno.test(`a GGUF file of ${name} is the folder that it was exported from`, () =>
    // llama.cpp's qwen2 knows no sliding window, so that a file of it has none.
    withBoth({ name, changed: name === "qwen2" ? NO_WINDOW : {} }, (folder, file) => {
      using wanted = openCheckpoint(folder);
      using found = openWeights(file);
      assert.deepEqual([...found.tensors.keys()].sort(), [...wanted.tensors.keys()].sort());
      for (const { name, shape } of wanted.tensors.values()) {
        assert.equal(found.get(name, shape).dtype, "F32");
        assert.deepEqual(found.read(name), wanted.read(name), name);
      }
      assert.deepEqual(readSettings(found), readSettings(wanted));
    }));
}

for (
  const [kind, tokenizer] of [["bytes", byteTokenizer()], ["spaces", spaceTokenizer()]] as const
) {
  Deno.test(`a tokenizer of ${kind} gives the same ids out of a GGUF file`, () => {
    const added = tokenizer["added_tokens"] as { id: number }[];
    const vocab = Object.keys((tokenizer["model"] as { vocab: Json }).vocab);
    const rows = Math.max(vocab.length, ...added.map(({ id }) => id + 1));
    withFolder((parent) => {
      const folder = join(parent, "model");
      const file = join(parent, "model.gguf");
      writeGolden(folder, resized(readGolden("llama"), Math.ceil(rows / 4) * 4));
      Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
      const settings = { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" };
      const named = [{ name: "default", template: TEMPLATE }, { name: "tool_use", template: "t" }];
      const template = kind === "bytes" ? named : TEMPLATE;
      const config = { ...settings, add_bos_token: true, chat_template: template };
      Deno.writeTextFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
      exportGguf(folder, file, { type: "F32" });
      const [wanted, found] = [loadTokenizer(folder), loadTokenizer(file)];
      const text = fc.stringMatching(/^([a-z.,0-9]{1,9} ){0,5}[a-z]?$/);
      fc.assert(fc.property(text, (text) => {
        assert.deepEqual(found.encode(text), wanted.encode(text));
      }));
      for (const text of ["the then <s>the</s> héé\n", "<|endoftext|> th"]) {
        assert.deepEqual(found.encode(text), wanted.encode(text));
        const decoded = wanted.decode(wanted.encode(text));
        // As Llama's own: the space that comes before the text is taken off again.
        assert.equal(
          found.decode(found.encode(text)),
          kind === "spaces" ? decoded.replace(/^ /, "") : decoded,
        );
      }
      assert.deepEqual(
        [found.bos, found.eos, found.addsBos],
        [wanted.bos, wanted.eos, wanted.addsBos],
      );
      const { bosToken, eosToken } = readChatFacts(file);
      assert.deepEqual([bosToken, eosToken], ["<s>", "</s>"]);
      assert.deepEqual(chatTemplateSources(file), chatTemplateSources(folder));
    });
  });
}

/** The same checkpoint with a table of other tokens. */
function resized(golden: ReturnType<typeof readGolden>, rows: number): typeof golden {
  const tensors = new Map([...golden.tensors].map(([name, tensor]) => {
    const [vocabulary, width] = tensor.shape;
    if (vocabulary !== golden.config["vocab_size"]) return [name, tensor];
    const numbers = Float32Array.from({ length: rows * width! }, (_, i) => Math.sin(i));
    return [name, { shape: [rows, width!], numbers }];
  }));
  return { ...golden, config: { ...golden.config, vocab_size: rows }, tensors };
}

for (const type of ["Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "IQ4_NL"] as const) {
  Deno.test(`groups of ${type} come as they are stored, and as the numbers that they stand for`, () =>
    withBoth({ name: "qwen3", type }, (folder, path) => {
      using wanted = openCheckpoint(folder);
      using found = openWeights(path);
      using file = openGguf(path);
      for (const { name, shape } of wanted.tensors.values()) {
        const grouped = found.grouped(name);
        const isMatrix = shape.length === 2 && shape[1]! % 32 === 0;
        const wantedType = name === "lm_head.weight" ? "Q8_0" : type; // as in llama.cpp's own files
        assert.equal(grouped?.stored, isMatrix ? wantedType : undefined, name);
        if (!grouped) continue;
        const { encode, decode } = encodingOf(wantedType);
        const rounded = encode(new Float32Array(wanted.read(name).slice().buffer), shape[1]!);
        assert.deepEqual(grouped.read(), rounded, name);
        const numbers = decode(rounded);
        assert.deepEqual(found.read(name), new Uint8Array(numbers.buffer), name);
      }
      assert.ok(file.tensors.values().some((tensor) => tensor.type === type));
    }));
}

Deno.test("any range of woven rows is that range of the whole", () =>
  withBoth({ name: "llama", type: "Q8_0" }, (_, path) => {
    using found = openWeights(path);
    const name = "model.layers.1.self_attn.q_proj.weight";
    const read = [
      (options?: object) => found.read(name, options),
      (options?: object) => found.grouped(name)!.read(options),
    ];
    for (const part of read) {
      const whole = part();
      const range = fc.tuple(fc.nat(whole.length), fc.nat(whole.length));
      fc.assert(fc.property(range, ([a, b]) => {
        const [offset, end] = [Math.min(a, b), Math.max(a, b)];
        const into = new Uint8Array(end - offset + 3);
        const bytes = part({ offset, length: end - offset, into });
        assert.deepEqual(bytes, whole.slice(offset, end));
      }));
      assert.throws(() => part({ offset: 1, length: whole.length }), RangeError);
    }
  }));
