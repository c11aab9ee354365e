/** The types of tensors in files of every kind are those that llama.cpp's quantiser gives them. */
import assert from "node:assert/strict";
import { FILE_TYPES, kindOf, typeFor, typeIn } from "../../src/export/gguf/file_types.ts";
import GOLDEN from "./file_types.json" with { type: "json" };

/** What the names of a block's matrices are, in files with one for q, k and v and without. */
const MODULES = "attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down".split(" ");
const FUSED = "attn_qkv attn_output ffn_up ffn_down".split(" ");

interface Case {
  layers: number;
  heads: number;
  groups: number;
  tied: boolean;
  columns: number;
  fused?: boolean;
  byImportance?: boolean;
  kinds: Record<string, Record<string, string>>;
}

function namesOf({ layers, tied, fused }: Case): string[] {
  const blocks = Array.from(
    { length: layers },
    (_, i) => (fused ? FUSED : MODULES).map((module) => `blk.${i}.${module}.weight`),
  );
  return ["token_embd.weight", ...blocks.flat(), ...(tied ? [] : ["output.weight"])];
}

Deno.test("a kind of file has llama.cpp's number for it", () => {
  const found = Object.entries(FILE_TYPES).map(([name, { fileType }]) => [name, fileType]);
  assert.deepEqual(Object.fromEntries(found), { F32: 0, ...GOLDEN.ftypes });
});

for (const golden of GOLDEN.cases as unknown as Case[]) {
  const { kinds, ...sizes } = golden;
  Deno.test(`tensors are given llama.cpp's types: ${JSON.stringify(sizes)}`, () => {
    for (const [kind, { most, ...others }] of Object.entries(kinds)) {
      for (const name of namesOf(golden)) {
        const found = typeFor(typeIn(kind, name, golden.columns, golden), golden.columns);
        assert.equal(found, others[name] ?? most, `${kind}: ${name}`);
      }
    }
  });
}

Deno.test("a kind of file that is not written is refused with those that are", () => {
  assert.throws(() => kindOf("q8_0"), {
    name: "ConfigError",
    message: /^Cannot write a GGUF file of type "q8_0"; wanted one of .*Q8_0/,
  });
  assert.throws(() => kindOf("toString"), { name: "ConfigError" });
});
