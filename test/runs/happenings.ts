/** Events of runs that never were. */
import { join } from "node:path";
import { parseConfig, savedConfig } from "../../src/config/mod.ts";
import { writeJson } from "../../src/io/files.ts";
import { type FolderLock, lockFolder } from "../../src/io/lock.ts";
import { sized } from "../../src/train/sizes/choice.ts";
import type { Metrics, RunEnd, RunEvent, StartEvent } from "../../src/runs/events.ts";
import { historyListener } from "../../src/runs/history/listener.ts";

/** Calls `use` with an empty folder for runs. */
export async function withRuns(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Locks the folder of a run, as one that is under way does. */
export function claimed(out: string): FolderLock {
  Deno.mkdirSync(out, { recursive: true });
  return lockFolder(out);
}

/** A run begins. */
export function start(
  out: string,
  { steps = 10, done = 0, flags = {} }: {
    readonly steps?: number;
    readonly done?: number;
    readonly flags?: Readonly<Record<string, string>>;
  } = {},
): StartEvent {
  const given = { model: "base", data: "rows.jsonl", "train.steps": String(steps), out };
  const { config, origin } = parseConfig({ flags: { ...given, ...flags } });
  return {
    kind: "start",
    ...{ config: sized(config, config.train.micro_batch_tokens ?? 512, false), origin },
    trains: "adapter",
    out,
    steps,
    done,
    columns: [],
    facts: {
      model: { family: "llama", parameters: 1e6, context: 512 },
      trained: 1e4,
      epochs: null,
      hashes: { rows: "r", base: "b" },
      sources: [],
    },
    memory: { weights: 3 << 20, activations: 1 << 20 },
    device: { adapter: "a device", software: true },
  };
}

export const metricsOf = (step: number, loss: number): Metrics => ({
  step,
  loss,
  tokens: 512,
  lr: 1e-4,
  grad_norm: 0.5,
  tokens_per_second: 100,
});

export const update = (step: number, loss = 5 - step / 10): RunEvent => ({
  kind: "update",
  metrics: metricsOf(step, loss),
  secondsLeft: 1,
});

export const end = (step: number, measured: Record<string, number> = {}): RunEvent => ({
  kind: "end",
  result: { ...ENDED, step, measured },
});

export const stopped = (step: number): RunEvent => ({
  kind: "end",
  result: { ...ENDED, step, stopped: true },
});

const ENDED: RunEnd = {
  step: 0,
  stopped: false,
  saved: "adapter",
  first: null,
  last: null,
  measured: {},
  reports: {},
};

export interface Happenings {
  readonly flags?: Readonly<Record<string, string>>;
  readonly measured?: Record<string, number>;
  /** The loss of its only update. */
  readonly loss?: number;
}

/** A run of one update that is done, with its folder. */
export function doneRun(folder: string, name: string, happened: Happenings = {}): void {
  const { flags = {}, measured = {}, loss = 2 } = happened;
  const out = join(folder, name);
  const began = start(out, { steps: 1, flags });
  Deno.mkdirSync(out);
  writeJson(join(out, "config.json"), savedConfig(began));
  const listen = historyListener(out, unexpected);
  for (const event of [began, update(0, loss), end(1, measured)]) listen(event);
}

/** For runs whose history has nothing to say. */
export function unexpected(line: string): void {
  throw new Error(`Found the line ${line}, wanted none`);
}
