/** Runs of a tiny model by which it shows what a key of the configuration does. */
import { join, relative } from "node:path";
import { parseConfig } from "../../src/config/mod.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import { linesListener } from "../../src/runs/lines.ts";
import { train } from "../../src/train/run.ts";
import { engine, noise } from "../harness.ts";
import { writeTinyAdapter, writeTinyLlama } from "../models/tiny.ts";
import { snapshot, stories, Toy } from "../train/toy.ts";
import { type Keys, type Trace, withKeys } from "./keys.ts";

/** What a run has left, by where; or why there was none. */
export type Traces = Readonly<Partial<Record<Trace, unknown>>>;

/** A folder with all that the cases name. */
export class RunWorld implements Disposable {
  readonly #toy = new Toy();
  #runs = 0;

  constructor() {
    const toy = this.#toy;
    const rows = (...lengths: number[]) => lengths.map((length) => ({ length }));
    toy.writeRows("more.jsonl", rows(31, 22, 17, 28));
    toy.writeRows("long.jsonl", rows(20, 100, 30, 40));
    toy.writeRows("bare.jsonl", [{ length: 20, supervised: 0 }, ...rows(12, 30, 25)]);
    this.#write(
      "preferences.jsonl",
      [
        { prompt: "what is it?", chosen: "a cat", rejected: "the dog" },
        { prompt: "who is it?", chosen: "tom", rejected: "not me" },
        { prompt: "why?", chosen: "who knows", rejected: "no" },
      ].map((row) => JSON.stringify(row)).join("\n"),
    );
    this.#write(
      "labelled.jsonl",
      [
        { prompt: "what is it?", completion: "a cat", label: true },
        { prompt: "who is it?", completion: "not me", label: false },
        { prompt: "why?", completion: "who knows", label: true },
      ].map((row) => JSON.stringify(row)).join("\n"),
    );
    this.#write("asked.jsonl", JSON.stringify({ instruction: "say it", output: "it is a cat" }));
    this.#write("other.txt", stories(40).map((story) => `so ${story}`).join("\n<|endoftext|>\n"));
    writeTinyLlama(toy.path("other"), { theta: 30 });
    writeTinyAdapter(toy.path("saved"), toy.model);
    writeBiased(toy.path("biased"), toy.model);
  }

  #write(name: string, text: string): void {
    Deno.writeTextFileSync(this.#toy.path(name), text);
  }

  /** Trains with these keys beside the toy's own. */
  async run({ out = "run", ...keys }: Keys): Promise<Traces> {
    const { device } = await engine();
    const folder = this.#toy.path(String(this.#runs++));
    const run = join(folder, String(out));
    const { data: _, ...base } = this.#toy.values("", { train: { steps: 3 } });
    const values = withKeys(
      { ...base, data: [{ path: "rows.jsonl", format: "tokens" }], history: false, out: run },
      keys,
    );
    const log: string[] = [];
    try {
      const parsed = parseConfig({ values, folder: this.#toy.folder });
      const say = linesListener((line) => void log.push(line));
      const { measured, reports } = await train(parsed, { device, on: say });
      return { measured, report: timeless(reports), log: log.map(unhurried), ...left(folder, run) };
    } catch (fault) {
      return { fault: (fault as Error).message };
    }
  }

  [Symbol.dispose](): void {
    this.#toy[Symbol.dispose]();
  }
}

function left(folder: string, run: string) {
  const files = snapshot(folder);
  const lines = Deno.readTextFileSync(join(run, "metrics.jsonl")).trimEnd().split("\n");
  return {
    files: Object.keys(files).map((path) => relative(folder, path)).sort(),
    adapter: files[join(run, "adapter", "adapter_model.safetensors")] ??
      files[join(run, "adapter", "adapter.safetensors")], // AdapterHub
    metrics: lines.map((line) => JSON.parse(line, (key, value) => TIMED.test(key) ? 0 : value)),
  };
}

/** Fields of the metrics that depend on the clock. */
const TIMED = /_per_second$|^(rollout|judging)_share$/;

/** A line without what depends on the clock or on what ran before it. */
const unhurried = (line: string) => line.replace(/ {2}[\d.]+ tok\/s.*| in [\d.]+ s$/, "");

/** The same of reports. */
const timeless = (reports: unknown) =>
  JSON.parse(JSON.stringify(reports, (key, value) => key === "seconds" ? 0 : value));

/** The same model with biases in its attention. */
function writeBiased(folder: string, base: string): void {
  using checkpoint = openCheckpoint(base);
  const tensors = [...checkpoint.tensors.values()].flatMap(({ name, dtype, shape }, i) => {
    const weight = { name, dtype, shape, data: new Uint8Array(checkpoint.read(name)) };
    if (!name.includes("self_attn")) return [weight];
    const data = new Uint8Array(noise(shape[0]!, i).buffer);
    return [weight, { name: name.replace("weight", "bias"), dtype, shape: [shape[0]!], data }];
  });
  writeCheckpoint(folder, {
    config: {
      ...JSON.parse(Deno.readTextFileSync(join(base, "config.json"))),
      attention_bias: true,
    },
    tensors,
    copyFrom: base,
  });
}
