/**
 * Exports every golden checkpoint and its adapter, with the settings that llama.cpp can express, for
 * check_gguf.py and check_mlx.py, which open the files with gguf, llama.cpp, mlx-lm, transformers and
 * PEFT:
 *
 *     deno run -A test/golden/exports.ts OUT && python test/golden/check_gguf.py OUT
 */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { FileError } from "../../src/errors.ts";
import { exportGgufLora } from "../../src/export/gguf_lora.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { exportMlx } from "../../src/export/mlx.ts";
import { Generator } from "../../src/inference/generator.ts";
import { openModel } from "../../src/inference/open.ts";
import { engine } from "../harness.ts";
import { noSharedData, sharedData } from "../io/helpers.ts";
import { type Golden, readAdapterGolden, readGolden, writeGolden } from "./golden.ts";
import { byteTokenizer } from "../export/tokenizers.ts";

type Json = Record<string, unknown>;

/** llama.cpp knows no windows in these families, and fixes some factors. */
const EXPRESSIBLE: Readonly<Record<string, Json>> = {
  mistral: { sliding_window: null },
  qwen2: { use_sliding_window: false, sliding_window: null, layer_types: null },
  phi3: { sliding_window: null },
  smollm3: { no_rope_layers: [1, 1, 1], no_rope_layer_interval: 4 },
  gemma2: { query_pre_attn_scalar: 16 },
  gemma3_text: { query_pre_attn_scalar: 16 },
};

const CLASSES: Readonly<Record<string, string>> = {
  llama: "LlamaForCausalLM",
  mistral: "MistralForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  smollm3: "SmolLM3ForCausalLM",
  olmo2: "Olmo2ForCausalLM",
  gemma: "GemmaForCausalLM",
  gemma2: "Gemma2ForCausalLM",
  gemma3_text: "Gemma3ForCausalLM",
  phi3: "Phi3ForCausalLM",
};

/** Texts that tokenizers trip over. */
const TEXTS = [
  "Once upon a time there was a little girl.",
  " two  spaces,   three and a tab\there",
  "It's Tom's; they'll go, I'd say: \"no!\" (3 33 333 3333)",
  "line\n\nbreaks \r\n and end ",
  "caf\u00e9 na\u00efve \u{1f600} \u4f60\u597d \u043f\u0440\u0438\u0432\u0435\u0442",
];

const out = Deno.args[0];
if (!out) throw new TypeError("Wanted a folder to write to");
for (const { name } of Deno.readDirSync(new URL("./", import.meta.url))) {
  const family = name.replace(/\.json$/, "");
  if (!name.endsWith(".json")) continue;
  try {
    exportFamily(family, readGolden(family), join(out, family));
  } catch (fault) {
    if (!(fault instanceof FileError)) throw fault;
    Deno.removeSync(join(out, family), { recursive: true });
    console.log(`${family}: not exported: ${fault.message}`);
  }
}
const ends = "head_and_embedding"; // the golden adapter that an untied Llama has on both
exportFamily(ends, readAdapterGolden(ends), join(out, ends));

const base = fileURLToPath(new URL("../../configs/quickstart/base", import.meta.url));
await exportText(base, join(out, "embedded_base"));
if (!noSharedData) {
  await exportText(join(sharedData, "models/stories260K"), join(out, "stories260K"));
}
Deno.exit(0); // the device would keep the process

/** A model with its own tokenizer: ids of texts, and what it writes greedily. */
async function exportText(model: string, folder: string): Promise<void> {
  exportGguf(model, join(ensured(folder), "model.gguf"), { type: "F32" });
  const { device } = await engine();
  using open = openModel(device, model);
  const { tokenizer } = open.model;
  const encode = (text: string) => [
    ...(tokenizer.addsBos ? [tokenizer.bos!] : []),
    ...tokenizer.encode(text),
  ];
  using generator = await Generator.open(open.engine, open.model);
  const prompt = encode("Once upon a time there was");
  const greedy = await Array.fromAsync(
    generator.generate(prompt, { maxTokens: 40, stop: [], temperature: 0 }),
  );
  const texts = TEXTS.map((text) => [text, encode(text)]);
  Deno.writeTextFileSync(
    join(folder, "text.json"),
    JSON.stringify({ model: resolve(model), texts, prompt, greedy }),
  );
}

function ensured(folder: string): string {
  Deno.mkdirSync(folder, { recursive: true });
  return folder;
}

/** mlx-lm reads RoPE as transformers 4 wrote it. */
function oldSpelling({ rope_parameters: rope }: Json): Json {
  const { rope_theta, ...scaling } = rope as Json;
  if (rope_theta === undefined) return {};
  return { rope_theta, rope_scaling: scaling["rope_type"] === "default" ? null : scaling };
}

function exportFamily(name: string, golden: Golden, folder: string): void {
  const type = golden.config["model_type"] as string;
  const architectures = [CLASSES[type]];
  if (!CLASSES[type]) return console.log(`${name}: llama.cpp's export is not built`);
  writeGolden(folder, golden, {
    ...EXPRESSIBLE[name],
    ...oldSpelling(golden.config),
    architectures,
  });
  Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer()));
  const settings = { bos_token: "<s>", eos_token: "</s>", tokenizer_class: "GPT2Tokenizer" };
  Deno.writeTextFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(settings));
  Deno.writeTextFileSync(join(folder, "ids.json"), JSON.stringify(golden.ids));
  const adapter = readPeft(join(folder, "adapter"));
  for (const type of ["F32", "F16", "BF16", "Q8_0"] as const) {
    exportGguf(folder, join(folder, `${type}.gguf`), { type: type });
  }
  exportGguf(folder, join(folder, "merged.gguf"), { type: "F32", adapter });
  exportGgufLora(folder, adapter, join(folder, "lora.gguf"), "F32");
  exportMlx(adapter, join(folder, "mlx"), folder);
}
