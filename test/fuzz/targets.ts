/** What reads files of strangers, each with a sound file of its kind and a way to damage it. */
import { join } from "node:path";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { loadExamples } from "../../src/data/mod.ts";
import { ChatTemplate } from "../../src/data/templates/chat_template.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Store } from "../../src/graph/store.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { openGguf } from "../../src/io/gguf/reader.ts";
import { openSafetensors } from "../../src/io/safetensors/safetensors.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { Model } from "../../src/models/model.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { toyChatEncoder } from "../data/toy.ts";
import { byteTokenizer } from "../export/tokenizers.ts";
import { engine, noise } from "../harness.ts";
import { writeTinyAdapter, writeTinyLlama } from "../models/tiny.ts";
import { CSV, ROWS, TEMPLATE, TURNS, WORDS } from "./seeds.ts";
import { damagedBytes, damagedJson, damagedText, type Dice } from "./mutate.ts";

/** A reader, and what it is given. */
export interface Target {
  /** How many cases a whole run has. */
  readonly cases: number;
  /** A damaged file, where the reader looks for it: how many bytes it has. */
  readonly damage: (dice: Dice) => number;
  readonly read: () => unknown;
  /** Bytes at once that are not in proportion to the file, where a reader has bounds of its own. */
  readonly bound?: number;
  /** Whether errors of the project may quote what a package threw, in words of its engine. */
  readonly quotes?: boolean;
}

const utf8 = new TextEncoder();

/** Writes what takes the place of a file. */
function put(path: string, bytes: Uint8Array | string): number {
  const all = typeof bytes === "string" ? utf8.encode(bytes) : bytes;
  Deno.writeFileSync(path, all);
  return all.length;
}

/** Mostly JSON that is damaged as such, else its bytes. */
function jsonTarget(path: string, read: () => unknown, cases = 20_000): Target {
  const text = Deno.readTextFileSync(path);
  const whole = JSON.parse(text);
  return {
    cases,
    damage: (dice) =>
      put(
        path,
        dice.below(4) > 0
          ? JSON.stringify(damagedJson(whole, dice)) ?? "undefined"
          : damagedBytes(utf8.encode(text), dice),
      ),
    read,
  };
}

function bytesTarget(path: string, read: () => unknown, cases: number): Target {
  const whole = Deno.readFileSync(path);
  return { cases, damage: (dice) => put(path, damagedBytes(whole, dice)), read };
}

/** A safetensors file: header as JSON and as bytes. */
function safetensorsTarget(path: string): Target {
  const whole = Deno.readFileSync(path);
  const length = Number(new DataView(whole.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(8, 8 + length)));
  const data = whole.subarray(8 + length);
  const built = (dice: Dice) => {
    const json = utf8.encode(JSON.stringify(damagedJson(header, dice)) ?? "");
    const bytes = new Uint8Array(8 + json.length + data.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    bytes.set(data, 8 + json.length);
    return bytes;
  };
  return {
    cases: 100_000,
    damage: (dice) => put(path, dice.below(2) > 0 ? built(dice) : damagedBytes(whole, dice)),
    read() {
      using file = openSafetensors(path);
      for (const name of file.tensors.keys()) file.read(name);
    },
  };
}

function ggufTarget(path: string): Target {
  const whole = Deno.readFileSync(path);
  using sound = openGguf(path);
  const header = whole.subarray(0, sound.tensors.values().next().value!.begin);
  return {
    cases: 100_000,
    damage(dice) {
      const damaged = damagedBytes(header, dice);
      const bytes = new Uint8Array(damaged.length + whole.length - header.length);
      bytes.set(damaged);
      bytes.set(whole.subarray(header.length), damaged.length);
      return put(path, bytes);
    },
    read() {
      using file = openGguf(path);
      for (const name of file.tensors.keys()) file.read(name);
    },
  };
}

function rowsTarget(folder: string): Target {
  const limits = { maxTokens: 512, vocabSize: 258 };
  let path = "";
  return {
    cases: 20_000,
    damage(dice) {
      const kind = dice.of(["a.jsonl", "b.json", "c.csv", "d.txt"]);
      path = join(folder, kind);
      if (kind === "c.csv") return put(path, damagedBytes(utf8.encode(CSV), dice));
      const row = dice.of(ROWS);
      const rows = [row, damagedJson(row, dice), row];
      const text = kind === "b.json"
        ? JSON.stringify(rows)
        : rows.map((one) => JSON.stringify(one)).join("\n");
      return put(path, dice.below(3) === 0 ? damagedBytes(utf8.encode(text), dice) : text);
    },
    read: () => loadExamples({ path, template: "plain" }, toyChatEncoder, limits),
  };
}

function templateTarget(): Target {
  let source = "";
  return {
    cases: 20_000,
    bound: 20_000_000, // MOST_CHARACTERS of src/jinja/budget.ts
    damage: (dice) => (source = damagedText(TEMPLATE, WORDS, dice)).length,
    read: () =>
      new ChatTemplate("damaged", source).render(
        TURNS,
        { bosToken: "<s>", eosToken: "</s>" },
        "here",
        { generationPrompt: true, date: "2026-01-02" },
      ),
  };
}

async function checkpointTarget(folder: string): Promise<Target> {
  const { device } = await engine();
  const storeOf = () => {
    const store = new Store(device);
    store.addParams([new Graph().param("a", [24], "rows")]);
    return store;
  };
  const store = storeOf();
  for (const [j, flat] of (["params", "m", "v"] as const).entries()) {
    store.writeParam("a", noise(24, j), flat);
  }
  const path = await saveCheckpoint(store, folder, 7, { part: { kept: [1, 2] } });
  const into = storeOf();
  return bytesTarget(path, () => {
    const { step, sections } = loadCheckpoint(into, folder);
    const isWhole = step === 7 && JSON.stringify(sections) === '{"part":{"kept":[1,2]}}';
    if (!isWhole) throw new Error(`took a damaged checkpoint of step ${step}`);
  }, 20_000);
}

/** All of them, with their files in `folder`. */
export async function targets(folder: string): Promise<Record<string, Target>> {
  const at = (...names: string[]) => join(folder, ...names);
  const sizes = { hidden: 8, heads: 1, groups: 1, headDim: 8, inner: 8, vocab: 96, layers: 1 };
  writeTinyLlama(at("model"), sizes);
  Deno.writeTextFileSync(at("model", "tokenizer.json"), JSON.stringify(byteTokenizer()));
  writeTinyAdapter(at("adapter"), at("model"));
  exportGguf(at("model"), at("model.gguf"), { type: "F32" });
  mergeAdapter(at("model"), at("adapter"), at("shards"), { maxShardBytes: 2000 });
  for (const name of ["tokenized", "configured"]) {
    mergeAdapter(at("model"), at("adapter"), at(name));
  }
  Deno.copyFileSync(at("model", "model.safetensors"), at("one.safetensors"));
  Deno.mkdirSync(at("rows"));
  const { config } = parseConfig({ values: { model: at("model"), data: [{ path: at("rows") }] } });
  Deno.writeTextFileSync(at("run.json"), JSON.stringify(config));
  return {
    safetensors: safetensorsTarget(at("one.safetensors")),
    GGUF: ggufTarget(at("model.gguf")),
    "a run's config": jsonTarget(at("run.json"), () => parseConfig({ file: at("run.json") })),
    "a model's config": jsonTarget(at("configured", "config.json"), () => {
      using _ = new Model(at("configured"));
    }),
    rows: rowsTarget(at("rows")),
    "a tokenizer": {
      ...jsonTarget(at("tokenized", "tokenizer.json"), () => {
        const tokenizer = loadTokenizer(at("tokenized"));
        tokenizer.decode(tokenizer.encode("the theory, 12 <s> of it.</s>"));
      }),
      quotes: true,
    },
    "an adapter's config": jsonTarget(
      at("adapter", "adapter_config.json"),
      () => readPeft(at("adapter")),
    ),
    templates: templateTarget(),
    "an index": jsonTarget(at("shards", "model.safetensors.index.json"), () => {
      using checkpoint = openCheckpoint(at("shards"));
      for (const name of checkpoint.tensors.keys()) checkpoint.read(name);
    }),
    "a checkpoint": await checkpointTarget(at("checkpoints")),
  };
}
