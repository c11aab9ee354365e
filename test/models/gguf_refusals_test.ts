/** GGUF files that cannot be a base: each refused in one sentence that says what was found. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../src/errors.ts";
import {
  bool,
  float32,
  float32s,
  int32s,
  type MetadataValue,
  string,
  strings,
  uint32,
} from "../../src/io/gguf/metadata.ts";
import { bytesOf, type GgufType } from "../../src/io/gguf/tensor_types.ts";
import { writeGguf } from "../../src/io/gguf/writer.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { Tensors } from "../../src/models/stored.ts";
import { loadBlocks } from "../../src/models/weights.ts";
import { formatOf } from "../../src/formats/mod.ts";
import type { Value } from "../../src/graph/graph.ts";
import BLOCKS from "../formats/blocks.json" with { type: "json" };
import { assertFileError, withFolder } from "../io/helpers.ts";

const TOKENS = ["<unk>", "<s>", "</s>", "a", "b", "ab", "c", "d"];

const METADATA: Record<string, MetadataValue> = {
  "general.architecture": string("llama"),
  "llama.block_count": uint32(1),
  "llama.context_length": uint32(64),
  "llama.embedding_length": uint32(32),
  "llama.feed_forward_length": uint32(64),
  "llama.attention.head_count": uint32(4),
  "llama.attention.head_count_kv": uint32(2),
  "llama.attention.layer_norm_rms_epsilon": float32(1e-5),
  "llama.rope.dimension_count": uint32(8),
  "tokenizer.ggml.model": string("gpt2"),
  "tokenizer.ggml.pre": string("gpt-2"),
  "tokenizer.ggml.tokens": strings(TOKENS),
  "tokenizer.ggml.token_type": int32s([2, 3, 3, 1, 1, 1, 1, 1]),
  "tokenizer.ggml.merges": strings(["a b"]),
  "tokenizer.ggml.bos_token_id": uint32(1),
  "tokenizer.ggml.eos_token_id": uint32(2),
};

const TENSORS: Record<string, [GgufType, ...number[]]> = {
  "token_embd.weight": ["Q8_0", 8, 32],
  "output_norm.weight": ["F32", 32],
  "blk.0.attn_q.weight": ["Q4_0", 32, 32],
  "blk.0.attn_k.weight": ["Q4_1", 16, 32],
};

interface Change {
  metadata?: Record<string, MetadataValue | undefined>;
  tensors?: typeof TENSORS;
  /** Bytes of tensors that are not 0. */
  data?: Record<string, Uint8Array>;
}

/** A small file, with some of it changed. */
function write(path: string, { metadata = {}, tensors = {}, data = {} }: Change = {}): void {
  const values = Object.entries({ ...METADATA, ...metadata })
    .filter((entry): entry is [string, MetadataValue] => entry[1] !== undefined);
  const contents = Object.entries({ ...TENSORS, ...tensors }).map(([name, [type, ...shape]]) => ({
    ...{ name, type, shape },
    data: () => [data[name] ?? new Uint8Array(bytesOf(type, shape))],
  }));
  writeGguf(path, new Map(values), contents);
}

Deno.test("a small GGUF file is a base", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    write(path);
    using checkpoint = openWeights(path);
    assert.equal(checkpoint.tensors.size, 4);
    assert.deepEqual(loadTokenizer(path).encode("<s>abc"), [1, 5, 6]);
  }));

Deno.test("MXFP4 of a file is what gguf reads", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    const data = { "blk.0.attn_v.weight": Uint8Array.fromBase64(BLOCKS.MXFP4.bytes) };
    write(path, { tensors: { "blk.0.attn_v.weight": ["MXFP4", 16, 32] }, data });
    using checkpoint = openWeights(path);
    const name = "model.layers.0.self_attn.v_proj.weight";
    assert.equal(checkpoint.grouped(name)!.stored, "MXFP4");
    const wanted = new Float32Array(Uint8Array.fromBase64(BLOCKS.MXFP4.numbers).buffer);
    const found = new Float32Array(checkpoint.read(name).slice().buffer);
    assert.deepEqual(found.map((x) => x + 0), wanted.map((x) => x + 0));
  }));

for (
  const [type, bytes] of [["Q4_0", [0, 0x7e]], ["Q4_1", [0, 0, 0, 0x7c]], ["MXFP4", [255]]] as const
) {
  Deno.test(`a scale of ${type} that is NaN or infinite is refused by its elements`, () =>
    withFolder((folder) => {
      const path = join(folder, "model.gguf");
      const broken = new Uint8Array(bytesOf(type, [16, 32]));
      broken.set(bytes, 5 * broken.length / 16);
      const data = { "blk.0.attn_v.weight": broken };
      write(path, { tensors: { "blk.0.attn_v.weight": [type, 16, 32] }, data });
      using checkpoint = openWeights(path);
      const name = "model.layers.0.self_attn.v_proj.weight";
      const value = { name, type: formatOf(type)!, shape: [16, 32] } as unknown as Value;
      // Refused before anything is sent to a device.
      const load = () => loadBlocks(null as never, new Tensors(checkpoint), value, null as never);
      assert.throws(load, {
        name: "FileError",
        message: /v_proj.weight" in .*: the scale of its elements from 160 on is NaN or infinite/,
      });
    }));
}

const REFUSED: [string, Change, ...string[]][] = [
  ["another architecture", { metadata: { "general.architecture": string("mamba") } }, "mamba"],
  ["no architecture", { metadata: { "general.architecture": undefined } }, "missing"],
  ["an adapter", { metadata: { "general.type": string("adapter") } }, "adapter"],
  ["a part of a model", { metadata: { "split.count": uint32(3) } }, "split.count", "is 3"],
  ["experts", { metadata: { "llama.expert_count": uint32(8) } }, "expert_count", "is 8"],
  ["a size that is missing", { metadata: { "llama.block_count": undefined } }, "block_count"],
  ["a size that is none", { metadata: { "llama.block_count": string("1") } }, "block_count", '"1"'],
  ["heads of several sizes", {
    metadata: { "llama.attention.head_count": int32s([4, 2]) },
  }, "a list of 2"],
  [
    "a part of a head that turns",
    {
      metadata: { "llama.rope.dimension_count": uint32(4) },
    },
    "dimension_count",
    "is 4",
    "wanted 8",
  ],
  [
    "a scaling of positions",
    {
      metadata: { "llama.rope.scaling.type": string("yarn") },
    },
    "yarn",
    "linear",
  ],
  ["factors of no known scaling", { tensors: { "rope_freqs.weight": ["F32", 4] } }, "rope_freqs"],
  ["another tokenizer", { metadata: { "tokenizer.ggml.model": string("bert") } }, "bert", "gpt2"],
  [
    "another pre-tokenizer",
    {
      metadata: { "tokenizer.ggml.pre": string("poro-chat") },
    },
    "poro-chat",
    "smollm",
  ],
  ["no merges", { metadata: { "tokenizer.ggml.merges": undefined } }, "merges", "missing"],
  [
    "types of other tokens",
    {
      metadata: { "tokenizer.ggml.token_type": int32s([1]) },
    },
    "token_type",
    "a list of 1",
    "a list of 8",
  ],
  [
    "an end that is no token",
    {
      metadata: { "tokenizer.ggml.eos_token_id": uint32(99) },
    },
    "eos_token_id",
    "is 99",
    "less than 8",
  ],
  [
    "scores that are missing",
    {
      metadata: { "tokenizer.ggml.model": string("llama") },
    },
    "scores",
    "missing",
  ],
  [
    "a type that no format is built for",
    {
      tensors: { "blk.0.attn_q.weight": ["Q3_K", 32, 256] },
    },
    "blk.0.attn_q.weight",
    "Q3_K",
    "Q4_0",
  ],
  [
    "a tensor that nothing reads",
    {
      tensors: { "blk.0.ssm_a": ["F32", 32] },
    },
    "blk.0.ssm_a",
    "llama",
  ],
  ["a layer too many", { tensors: { "blk.7.attn_q.weight": ["F32", 32, 32] } }, "blk.7"],
];

for (const [what, change, ...wanted] of REFUSED) {
  Deno.test(`a GGUF file with ${what} is refused`, () =>
    withFolder((folder) => {
      const path = join(folder, "model.gguf");
      write(path, change);
      assertFileError(
        () => {
          openWeights(path).close();
        },
        path,
        ...wanted,
      );
    }));
}

Deno.test("a text that scores and spaces are taken from is tokenised by the scores", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    const tokens = ["<unk>", "<s>", "</s>", "▁", "a", "b", "ab", "▁ab"];
    const metadata = {
      "tokenizer.ggml.model": string("llama"),
      "tokenizer.ggml.tokens": strings(tokens),
      "tokenizer.ggml.token_type": int32s([2, 3, 3, 1, 1, 1, 1, 1]),
      "tokenizer.ggml.scores": float32s([0, 0, 0, -9, -9, -9, -1, -2]),
      "tokenizer.ggml.add_space_prefix": bool(true),
      "tokenizer.ggml.bos_token_id": undefined,
      "tokenizer.ggml.eos_token_id": undefined,
      "tokenizer.ggml.pre": undefined,
    };
    write(path, { metadata });
    const { encode, decode, bos, eos, addsBos } = loadTokenizer(path);
    assert.deepEqual(encode("ab ab"), [7, 7]);
    assert.equal(decode([7, 7]), "ab ab");
    assert.deepEqual([bos, eos, addsBos], [1, 2, true]);
  }));

Deno.test("a GGUF file that is cut off anywhere is refused", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    write(path);
    const whole = Deno.readFileSync(path);
    const last = whole.length - bytesOf("Q4_1", [16, 32]);
    for (const length of [0, 3, 30, 100, 700, last - 200, whole.length - 64]) {
      Deno.writeFileSync(path, whole.subarray(0, length));
      assertFileError(() => openWeights(path).close(), path);
    }
  }));

Deno.test("a GGUF file with any byte of its header changed is read or refused, never worse", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    write(path);
    const whole = Deno.readFileSync(path);
    for (let at = 0; at < 1400; at += 3) {
      const bytes = whole.slice();
      bytes[at]! ^= 0x81;
      Deno.writeFileSync(path, bytes);
      try {
        openWeights(path).close();
      } catch (fault) {
        assert.ok(fault instanceof FileError, `byte ${at}: ${(fault as Error).stack}`);
        assert.doesNotMatch(fault.message, /\n/);
      }
    }
  }));

Deno.test("tensors that overlap, have odd rows or too many sizes are refused", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    write(path);
    const whole = Deno.readFileSync(path);
    const text = new TextDecoder("latin1").decode(whole);
    const after = (name: string) => text.indexOf(name) + name.length;
    const refused = (at: number, byte: number, ...wanted: string[]) => {
      const bytes = whole.slice();
      bytes[at] = byte;
      Deno.writeFileSync(path, bytes);
      assertFileError(() => openWeights(path).close(), path, ...wanted);
    };
    // After the name: how many sizes (4 bytes), the sizes (8 each), type (4), offset (8).
    refused(after("token_embd.weight"), 200, "200 sizes", "at most 4");
    refused(after("token_embd.weight") + 4, 33, "[8,33]", "multiple of 32");
    refused(after("token_embd.weight") + 20, 77, "type 77");
    refused(after("output_norm.weight") + 17, 0, 'begins inside tensor "token_embd.weight"');
    refused(after("blk.0.attn_k.weight") + 25, 255, "blk.0.attn_k.weight", "within");
    refused(after("blk.0.attn_k.weight") + 24, 1, "blk.0.attn_k.weight", "multiple of 32");
  }));
