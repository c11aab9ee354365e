/**
 * Everything that a run needs, opened in order: data, model, memory, programs, measurements.
 *
 * @module
 */
import { encoderOf, type Example, Stream } from "../data/mod.ts";
import type { Queued } from "../eval/documents.ts";
import { type Perplexity, queuePerplexity } from "../eval/perplexity.ts";
import type { Engine } from "../graph/compile.ts";
import { printPlan } from "../graph/plan.ts";
import type { Planned } from "../graph/planned.ts";
import { FLAT } from "../graph/store.ts";
import type { Slice } from "../forgetting/text/retention.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { LossGraphOptions, Model } from "../models/model.ts";
import { refuseEncoder } from "../models/layers/pairs.ts";
import type { Config } from "../config/mod.ts";
import {
  activationBytes,
  guardFootprint,
  Guarding,
  guardRowSizes,
  loadSlices,
} from "./guarding.ts";
import { Optimizer } from "./optimizer.ts";
import { loadRows, longest, mixtureOf, type Rows, type Say } from "./rows.ts";
import { runFiles } from "./run_folder.ts";
import type { Trained } from "./trained.ts";

/** A run that is ready to train. */
export interface Session {
  readonly engine: Engine;
  readonly model: Model;
  readonly trained: Trained;
  readonly config: Config;
  readonly program: LossProgram;
  readonly optimizer: Optimizer;
  readonly rows: Rows;
  readonly stream: Stream;
  /** Micro-batches of task rows in one update. */
  readonly microBatches: number;
  /** Those and the guard's. */
  readonly microsPerUpdate: number;
  /** Updates of the whole run. */
  readonly steps: number;
  readonly guarding: Guarding | null;
  /** Measures the evaluation rows without waiting; null where there are none. */
  readonly evaluate: (() => Promise<Queued<Perplexity>>) | null;
  /** Frees what the session holds on the device beside the store. */
  readonly close: () => void;
}

export interface SessionOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly config: Config;
  readonly trained: Trained;
  /** What to train on, encoded. */
  readonly rows: Rows;
  readonly say: Say;
}

/** Opens a session: plans the memory, checks it, loads the weights and records the programs. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { engine, model, config, trained, rows, say } = options;
  const { train, guard } = config;
  const T = train.micro_batch_tokens;
  const most = longest(model, train);
  if (guard) refuseEncoder(model, "for the guard, which measures plain text");
  const slices = await loadSlices({
    ...{ engine, model, encoder: encoderOf(model), config, say },
    ...{ task: rows.examples, maxTokens: most },
  });
  for (const slice of slices ?? []) say(describeSlice(slice));
  const measured: Example[] = [];
  await loadRows(model, config.eval.data, train, say, (example) => measured.push(example));
  const { seed, shuffle } = train;
  const mixture = mixtureOf(rows, config.mixture, say);
  const stream = new Stream(rows.examples, { T, seed, shuffle, ...mixture });
  const graph = { T, ...trained.graph, recompute: train.recompute };
  const program = await placeParams(options, graph).open();
  const microBatches = train.tokens_per_batch / T;
  const microsPerUpdate = microBatches + guardRowSizes(config).micros;
  const { weight_decay: decay, beta1, beta2, eps: epsilon, clip } = train;
  const settings = { decay, beta1, beta2, epsilon, clip };
  const optimizer = await Optimizer.open(engine, settings, microsPerUpdate);
  const needsMeasure = slices || measured.length > 0;
  const tuned = needsMeasure ? await LossProgram.open(engine, model, graph) : null;
  const steps = train.steps ?? stepsOf(stream, train.epochs!, microBatches);
  const guarding = guard && slices
    ? await Guarding.open({
      ...{ engine, model, config, slices, graph, steps, measured, trained: rows.examples },
      ...{ tuned: tuned!, baseOf: trained.base, say },
      folder: runFiles(config.out).checkpoints,
    }, guard)
    : null;
  return {
    ...{ engine, model, trained, config, program, optimizer, rows, stream },
    ...{ microBatches, microsPerUpdate, steps, guarding },
    evaluate: measured.length > 0 ? () => queuePerplexity(tuned!, measured) : null,
    close: () => {
      for (const { compiled } of [program, ...(tuned ? [tuned] : [])]) compiled.destroy();
      guarding?.close();
      optimizer.close();
    },
  };
}

function describeSlice({ name, train, control, certificate, probe, repeated, inTask }: Slice) {
  const left = [
    ...(repeated ? [`${repeated} repeat others`] : []),
    ...(inTask ? [`${inTask} stand in the task`] : []),
  ];
  const out = left.length > 0 ? `, left out: ${left.join(", ")}` : "";
  return `retention text ${name}: ${train.length} documents to train on, ${control.length} to ` +
    `steer by, ${certificate.length} to certify, ${probe.length} to show${out}`;
}

/** Every dispatch of a training step, for `--print-plan`. */
export function describePlan(
  { engine, model, config, trained }: Omit<SessionOptions, "rows" | "say">,
): string {
  const { micro_batch_tokens: T, recompute } = config.train;
  const options = { T, ...trained.graph, recompute, train: true };
  return printPlan(LossProgram.plan(engine, model, options).plan);
}

/** Plans the training graph before anything is allocated, says what it takes, makes the params. */
function placeParams(
  { engine, model, trained, config, say }: SessionOptions,
  graphOptions: LossGraphOptions,
): Planned<LossProgram> {
  const training = LossProgram.plan(engine, model, { ...graphOptions, train: true });
  const { weights, params, temporary } = training.footprint;
  const state = params * FLAT.length;
  const beside = besideTraining(engine, model, config, graphOptions);
  const total = weights + state + temporary + beside.activations + beside.fisher;
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const part = (name: string, bytes: number) => bytes > 0 ? `, ${name} ${mib(bytes)}` : "";
  say(
    `memory: ${mib(total)} (weights ${mib(weights)}, trained params with gradients and moments ${
      mib(state)
    }, activations ${mib(temporary)}${part("to guard and measure", beside.activations)}${
      part("Fisher information", beside.fisher)
    })`,
  );
  checkMemory(engine, total);
  const values = training.graph.values.filter(({ kind }) => kind === "param");
  engine.store.addParams(values);
  trained.load(engine.store, values);
  return training;
}

/** A real GPU does not say how much memory it has; software Vulkan shares the machine's. */
function checkMemory({ device }: Engine, bytes: number): void {
  if (!device.software) return;
  const { available } = Deno.systemMemoryInfo();
  if (bytes <= available) return;
  throw new RangeError(
    `The run needs ${bytes} bytes but only ${available} are free; lower ` +
      "train.micro_batch_tokens or set train.recompute",
  );
}

/** What the programs that guard and measure take, which keep buffers of their own. */
function besideTraining(
  engine: Engine,
  model: Model,
  config: Config,
  graph: LossGraphOptions,
): { activations: number; fisher: number } {
  const measures = config.guard || config.eval.data.length > 0
    ? activationBytes(engine, model, graph)
    : 0;
  const { activations, fisher } = guardFootprint(engine, model, config, graph);
  return { activations: measures + activations, fisher };
}

function stepsOf(stream: Stream, epochs: number, microBatches: number): number {
  const whole = Math.floor(epochs);
  const part = epochs - whole;
  const micros = stream.micros(whole) +
    part * (stream.micros(whole + 1) - stream.micros(whole));
  return Math.max(1, Math.ceil(micros / microBatches));
}
