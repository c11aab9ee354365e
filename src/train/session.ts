/**
 * Everything that a run needs, opened in order: rows, methods, memory, programs.
 *
 * @module
 */
import { type Example, rowTokenizer } from "../data/mod.ts";
import type { Config } from "../config/mod.ts";
import type { Engine } from "../graph/compile.ts";
import { printPlan } from "../graph/plan.ts";
import { FLAT } from "../graph/store.ts";
import { bytesOf, type Value } from "../graph/graph.ts";
import type { Methods } from "../methods.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { Model } from "../models/model.ts";
import { ScoreProgram } from "../models/score_program.ts";
import type { AttemptLedger } from "../objectives/attempts.ts";
import type { SeenDocuments } from "../objectives/documents.ts";
import {
  type Fields,
  type MainPart,
  metricsOf,
  type Part,
  type Prepared,
  type PreparedMain,
  type RunContext,
  type SideContext,
} from "../objectives/objective.ts";
import type { MemoryParts } from "../runs/events.ts";
import { memoryText, row, totalOf } from "../runs/panel.ts";
import { contentsOf } from "./contents.ts";
import { numbersOf } from "./facts.ts";
import { Optimizer } from "./optimizer.ts";
import { loadRows, longest, mixtureOf, type Rows } from "./rows.ts";
import { remainingDecay } from "./schedule.ts";
import type { Trainable } from "./trainable.ts";
import { LoweredRate } from "./trouble/lowered_rate.ts";

/** A run that is ready to train. */
export interface Session {
  readonly engine: Engine;
  readonly model: Model;
  readonly trained: Trainable;
  readonly config: Config;
  readonly optimizer: Optimizer;
  readonly rows: Rows;
  /** A hash of what the base holds. */
  readonly base: string;
  /** What the adapter that it began from was made with. */
  readonly seen: SeenDocuments;
  /** What the run is about, and then what is beside it. */
  readonly parts: readonly [MainPart, ...Part[]];
  /** The most losses of a replay. */
  readonly capacity: number;
  readonly replaysPerUpdate: number;
  /** Updates of the whole run. */
  readonly steps: number;
  /** Passes over the rows; null where updates were asked for. */
  readonly epochs: number | null;
  readonly memory: MemoryParts;
  /** How many numbers are trained. */
  readonly trainedNumbers: number;
  /** Measures the model as it is, as at the end of a run. */
  readonly measure: () => Promise<Fields>;
  /** What trouble has made of the learning rate; one of the parts. */
  readonly loweredRate: LoweredRate;
  /** Puts what training starts from into the params. */
  readonly begin: () => void;
  /** What a checkpoint keeps of each part, and of the rows. */
  readonly state: () => Promise<Record<string, unknown>>;
  /** Frees what the session holds on the device beside the store. */
  readonly close: () => void;
}

export interface SessionOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly config: Config;
  readonly trained: Trainable;
  /** What to train on, encoded. */
  readonly rows: Rows;
  readonly base: string;
  /** What the adapter that is trained on was made with. */
  readonly seen: SeenDocuments;
  /** Where tests are counted; null where they are not. */
  readonly attempts: AttemptLedger | null;
  readonly methods: Methods;
  /** The folder of checkpoints. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/** Opens a session: plans the memory, checks it, loads the weights and records the programs. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { engine, model, config, trained, rows, seen, methods, log } = options;
  const context = await contextOf(options);
  const prepared = await methods.main.prepare(context);
  const others = [];
  for (const method of methods.beside) others.push(await method.prepare(context));
  const all = [prepared, ...others];

  const measuring = LossProgram.plan(engine, model, context.graph);
  const measures = all.some(({ measures }) => measures);
  const memory = sumOf([
    { weights: prepared.memory["weights"] ?? 0, [STATE]: bytesOfParams(prepared.params) },
    { ...prepared.memory, weights: 0 },
    measures ? { "to measure": measuring.footprint.temporary } : {},
    ...others.map(({ memory }) => memory),
  ]);
  log(row("memory", memoryText(memory)));
  checkMemory(engine, memory);
  engine.store.addParams(prepared.params);
  const begin = () => trained.load(engine.store, prepared.params);
  begin();

  const epochs = await epochsOf(config.train, prepared);
  const steps = config.train.steps ?? await prepared.steps(epochs!);
  const tuned = once(() => measuring.open());
  const run = {
    tuned: tuned.get,
    steps,
    remainingDecay: (step: number) => remainingDecay({ ...config.train, steps }, step),
    base: trained.base,
    folder: options.folder,
  };
  const first = await prepared.open(run);
  const opened = new Map<Prepared<Part, SideContext>, Part>();
  const isLast = ({ compares = false }) => compares;
  for (const other of [...others.filter((other) => !isLast(other)), ...others.filter(isLast)]) {
    const meters = [first, ...opened.values()].flatMap(({ meters = [] }) => meters);
    const metrics = metricsOf(meters, steps);
    opened.set(other, await other.open({ ...run, task: first.task, metrics }));
  }
  const parts: [MainPart, ...Part[]] = [first, ...others.map((other) => opened.get(other)!)];
  const loweredRate = new LoweredRate();
  parts.push(loweredRate);
  const replaysPerUpdate = all.reduce((sum, { count }) => sum + count, 0);
  const { weight_decay: decay, beta1, beta2, eps: epsilon, clip } = config.train;
  const optimizer = await Optimizer.open(
    engine,
    { decay, beta1, beta2, epsilon, clip },
    replaysPerUpdate,
    { clears: model.scores > 0 },
  );
  return {
    engine,
    model,
    trained,
    config,
    optimizer,
    rows,
    base: options.base,
    seen,
    parts,
    capacity: Math.max(...parts.map(({ objective }) => objective?.capacity ?? 0)),
    replaysPerUpdate,
    steps,
    epochs,
    memory,
    trainedNumbers: numbersOf(prepared.params),
    loweredRate,
    begin,
    measure: () => measure([first, ...parts.slice(1).filter((part) => !part.end)], steps),
    state: async () => ({ ...await stateOf(parts), ...contentsOf(options) }),
    close: () => {
      for (const part of parts) part.close();
      tuned.made?.compiled.destroy();
      optimizer.close();
    },
  };
}

/** Updates that a run makes where nobody says how many, by passes over the rows: 1 to 10. */
const UPDATES = 100;
const MOST_EPOCHS = 10;

/** Passes over the rows, given or as few rows need them; null where updates are given. */
async function epochsOf(
  { steps, epochs }: Config["train"],
  prepared: PreparedMain,
): Promise<number | null> {
  if (steps !== undefined) return null;
  if (epochs !== undefined) return epochs;
  const updates = await prepared.steps(1);
  return Math.min(MOST_EPOCHS, Math.ceil(UPDATES / updates));
}

/** What methods are prepared from: the rows that are measured are read here. */
async function contextOf(options: SessionOptions): Promise<RunContext> {
  const { engine, model, config, trained, rows, seen, attempts, log } = options;
  const { train } = config;
  const measured: Example[] = [];
  await loadRows(model, config.eval.data, config, log, (example) => measured.push(example));
  return {
    engine,
    model,
    tokenizer: rowTokenizer(model),
    train,
    graph: { T: train.micro_batch_tokens, ...trained.graph, recompute: train.recompute },
    rows: { examples: rows.examples, mixture: mixtureOf(rows, config.mixture, log) },
    measured,
    maxTokens: longest(model, train),
    seen,
    attempts,
    log,
  };
}

/** Every dispatch of a training step and the memory that it takes, for `--print-plan`. */
export function describePlan(
  { engine, model, config, trained }: Pick<
    SessionOptions,
    "engine" | "model" | "config" | "trained"
  >,
): string {
  const { micro_batch_tokens: T, recompute } = config.train;
  const options = { T, ...trained.graph, recompute, train: true };
  const { plan, graph, footprint: { weights, temporary: activations } } = model.scores > 0
    ? ScoreProgram.plan(engine, model, options)
    : LossProgram.plan(engine, model, options);
  const params = bytesOfParams(graph.values.filter(({ kind }) => kind === "param"));
  const memory = { weights, activations, [STATE]: params };
  return `${printPlan(plan)}\n${row("memory", memoryText(memory))}`;
}

/** By the meters of some parts; one that ends a run itself measures what it needs for that. */
async function measure(parts: readonly Part[], step: number): Promise<Fields> {
  const found: Fields[] = [];
  for (const meter of parts.flatMap(({ meters = [] }) => meters)) {
    found.push(await (await meter.measure(step)).result);
  }
  return Object.assign({}, ...found);
}

async function stateOf(parts: readonly Part[]): Promise<Record<string, unknown>> {
  const sections: Record<string, unknown> = {};
  for (const part of parts) if (part.state) sections[part.name] = await part.state();
  return sections;
}

/** What the trained parameters take. */
const STATE = "params with gradients and moments";

/** The flat buffers beside the params have their size. */
const bytesOfParams = (params: readonly Value[]): number =>
  FLAT.length * params.reduce((sum, param) => sum + bytesOf(param), 0);

function sumOf(parts: readonly MemoryParts[]): MemoryParts {
  const sum: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, bytes] of Object.entries(part)) sum[name] = (sum[name] ?? 0) + bytes;
  }
  return sum;
}

/** A real GPU does not say how much memory it has; software Vulkan shares the machine's. */
function checkMemory({ device, store }: Engine, memory: MemoryParts): void {
  if (!device.software) return;
  const { available } = Deno.systemMemoryInfo();
  const bytes = totalOf(memory) - store.bytes; // what a method had the base write with, is there
  if (bytes <= available) return;
  throw new RangeError(
    `The run needs ${bytes} bytes but only ${available} are free; lower ` +
      "train.micro_batch_tokens or set train.recompute",
  );
}

/** What is made when it is first asked for. */
function once<T>(make: () => Promise<T>): { get: () => Promise<T>; made: T | null } {
  let making: Promise<T> | null = null;
  const result = { made: null as T | null, get: () => making ??= make().then(keep) };
  const keep = (made: T) => result.made = made;
  return result;
}
