/** Runs on a tiny model, small enough to be done in a fraction of a second. */
import { exists } from "../../src/io/files.ts";
import { join } from "node:path";
import { openSafetensors, toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { parseConfig } from "../../src/config/mod.ts";
import type { Communicator } from "../../src/distributed/communicator.ts";
import type { ForgettingReport } from "../../src/forgetting/report/format.ts";
import type { Part, RunContext, SideMethod } from "../../src/objectives/objective.ts";
import type { Metrics } from "../../src/runs/events.ts";
import { linesListener } from "../../src/runs/lines.ts";
import type { RunResult, TrainOptions } from "../../src/train/options.ts";
import { train, trainInRanks } from "../../src/train/run.ts";
import { engine, noise } from "../harness.ts";
import { type TinyOptions, writeTinyLlama } from "../models/tiny.ts";

/** A section of a config that a test sets. */
type Settings = Record<string, unknown>;

/** What a test sets beside the toy's own settings. */
export interface ToySettings {
  train?: Settings;
  adapter?: Settings;
  guard?: false | Settings;
  eval?: Settings;
  data?: Settings[];
  mixture?: Settings;
  objective?: Settings;
  model?: string;
  quantize?: string;
}

/** How a test follows and stops a run. */
export interface ToyOptions extends TrainOptions {
  readonly say?: (line: string) => void;
  /** Asked once after each update. */
  readonly stopWanted?: () => boolean;
  /** Trains as one of them. */
  readonly ranks?: Communicator;
}

/** A signal that is asked anew each time it is looked at. */
const stopBy = (stopWanted: () => boolean) => ({
  get aborted() {
    return stopWanted();
  },
});

/** A folder with a tiny model, rows of tokens and retention text. */
export class Toy implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  readonly model = this.path("model");
  readonly rows = this.path("rows.jsonl");
  readonly text = this.path("text.txt");

  constructor(options: TinyOptions = {}) {
    writeTinyLlama(this.model, options);
    this.writeRows("rows.jsonl", Array.from({ length: 12 }, (_, i) => ({ length: 9 + 3 * i })));
    Deno.writeTextFileSync(this.text, stories(48).join("\n<|endoftext|>\n"));
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Rows of random tokens, their first four unsupervised, as format "tokens" has them. */
  writeRows(name: string, rows: readonly { length: number; supervised?: number }[]): string {
    const lines = rows.map(({ length, supervised = length - 4 }, seed) => {
      const ids = [...noise(length, seed + 400)].map((x) => Math.floor((x + 1) / 2 * 61));
      const labels = ids.map((id, i) => i < length - supervised ? -100 : id);
      return JSON.stringify({ input_ids: ids, labels });
    });
    Deno.writeTextFileSync(this.path(name), lines.join("\n"));
    return this.path(name);
  }

  /** The toy's config with what a test sets, as a file has it. */
  values(out: string, settings: ToySettings = {}): Settings {
    const { train: given = {}, adapter = {}, eval: evaluation = {}, ...rest } = settings;
    const sizes = { tokens_per_batch: 128, micro_batch_tokens: 64 };
    const train = { ...(!("epochs" in given) && { steps: 6 }), ...sizes, lr: 0.01, ...given };
    return {
      model: this.model,
      data: [{ path: this.rows, format: "tokens" }],
      adapter: { rank: 4, ...adapter },
      // One that is undefined is none.
      train: Object.fromEntries(Object.entries(train).filter(([, value]) => value !== undefined)),
      eval: { samples: 0, ...evaluation },
      ...rest,
      out: this.path(out),
    };
  }

  /** Trains in this process, on the device that all tests share. */
  async train(
    out: string,
    settings: ToySettings = {},
    { say, stopWanted, ranks, ...options }: ToyOptions = {},
  ) {
    const { device } = await engine();
    const values = this.values(out, settings);
    const hasNone = Object.keys(settings.adapter ?? {}).length === 0;
    if (options.kind === "pretrain" && hasNone) delete values["adapter"];
    const given = {
      device,
      ...(say && { on: linesListener(say) }),
      ...(stopWanted && { stop: stopBy(stopWanted) }),
      ...options,
    };
    const parsed = parseConfig({ values });
    const result = ranks
      ? await trainInRanks(parsed, ranks, given) as RunResult // less of it in ranks other than 0
      : await train(parsed, given);
    return { ...result, forgetting: result.reports["forgetting"] as ForgettingReport | undefined };
  }

  /** The metrics of a run. */
  metrics(out: string): Metrics[] {
    const lines = Deno.readTextFileSync(this.path(out, "metrics.jsonl")).trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line));
  }

  /** The bytes of the adapter that a run left. */
  adapter(out: string): Uint8Array {
    const [plain, hub] = ["adapter_model.safetensors", "adapter.safetensors"].map((name) =>
      this.path(out, "adapter", name)
    );
    return Deno.readFileSync(exists(hub!) ? hub! : plain!);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** A method beside the objective that takes no memory and adds no replays. */
export const methodOf = (partOf: (context: RunContext) => Part): SideMethod => ({
  plan: () =>
    Promise.resolve({
      ...{ count: 0, memory: {}, measures: false },
      prepare: (context) => Promise.resolve({ open: () => Promise.resolve(partOf(context)) }),
    }),
});

/** Small documents that all differ. */
export function stories(count: number): string[] {
  const who = ["tom", "ann", "sue", "bob"];
  const what = ["a red ball", "an old cat", "two blue cups", "the long road"];
  return Array.from(
    { length: count },
    (_, i) => `${who[i % 4]} saw ${what[(i >> 2) % 4]} ${i} times.`,
  );
}

/** The numbers of one tensor of a safetensors file. */
export function numbersIn(path: string, name: string): Float32Array {
  using file = openSafetensors(path);
  return toFloat32(file.read(name), "F32");
}

/** Every file below a folder with its bytes in hexadecimal; empty where there is no folder. */
export function snapshot(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  const walk = (path: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      const inner = join(path, name);
      if (isDirectory) walk(inner);
      else files[inner] = Deno.readFileSync(inner).toHex();
    }
  };
  try {
    walk(folder);
  } catch (fault) {
    if (!(fault instanceof Deno.errors.NotFound)) throw fault;
  }
  return files;
}

/** |a - b| / |b|, in Euclid's norm. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [apart, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    apart += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  return Math.sqrt(apart / size);
}
