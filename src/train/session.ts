/**
 * Everything that a run needs, opened in order: rows, methods, memory, programs.
 *
 * @module
 */
import type { Measured } from "../adapters/init/init.ts";
import { INIT_TEXTS, isMeasured } from "../adapters/init/mod.ts";
import { type Example, rowTokenizer } from "../data/mod.ts";
import type { SizedConfig } from "../config/mod.ts";
import type { Engine } from "../graph/compile.ts";
import type { Model } from "../models/model.ts";
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
import { placesOf } from "../graph/store.ts";
import type { MemoryParts } from "../runs/events.ts";
import { memoryText, row } from "../runs/panel.ts";
import type { Communicator } from "../distributed/communicator.ts";
import { contentsOf } from "./contents.ts";
import { numbersOf } from "./facts.ts";
import { groupsOf } from "./groups.ts";
import { measureInit } from "./measured_init.ts";
import { Optimizer } from "./optimizer.ts";
import { momentsOf, ruleOf } from "./optimizers.ts";
import { loadRows, mixtureOf, type Rows } from "./rows.ts";
import { remainingDecay } from "./schedule.ts";
import { replaysOf, type RunPlan } from "./sizes/run_plan.ts";
import type { Trainable } from "./trainable.ts";
import { LoweredRate } from "./trouble/lowered_rate.ts";
import { type Sharing, sharingOf } from "./updates/shared.ts";

/** A run that is ready to train. */
export interface Session {
  readonly engine: Engine;
  readonly model: Model;
  readonly trained: Trainable;
  readonly config: SizedConfig;
  readonly optimizer: Optimizer;
  readonly rows: Rows;
  /** A hash of what the base holds. */
  readonly base: string;
  /** What the adapter that it began from was made with. */
  readonly seen: SeenDocuments;
  /** What the run is about, and then what is beside it. */
  readonly parts: readonly [MainPart, ...Part[]];
  /** How updates are shared by ranks; null where they are not. */
  readonly sharing: Sharing | null;
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
  /** What it takes. */
  readonly plan: RunPlan;
  readonly trained: Trainable;
  /** What to train on, encoded. */
  readonly rows: Rows;
  /** Initial values that had to be known before it was planned; null where there are none. */
  readonly measured: Measured | null;
  readonly base: string;
  /** What the adapter that is trained on was made with. */
  readonly seen: SeenDocuments;
  /** Where tests are counted; null where they are not. */
  readonly attempts: AttemptLedger | null;
  /** The folder of checkpoints. */
  readonly folder: string;
  /** The ranks that train together; null for one alone. */
  readonly ranks: Communicator | null;
  readonly log: (line: string) => void;
}

/** Opens a session as planned: prepares the methods, loads the weights and records the programs. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { plan: { config, main, beside, measuring, memory }, trained, rows, seen, log } = options;
  const replaysPerUpdate = replaysOf(options.plan);
  const sharing = sharingOf(options.ranks, config.train, replaysPerUpdate);
  const context = await contextOf(options);
  const { engine, model } = context;
  const prepared = await main.prepare(context);
  const others = [];
  for (const method of beside) others.push(await method.prepare(context));
  log(row("memory", memoryText(memory)));
  const rule = ruleOf(config.train);
  const groups = groupsOf(placesOf(main.params), config.train, rule.goesBy);
  engine.store.addParams(main.params, momentsOf(config.train, main.params));
  const retention = others.flatMap(({ retention = [] }) => retention);
  const measured = options.measured ?? await measuredOf(options, retention);
  const begin = () => trained.load(engine.store, main.params, measured);
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
    opened.set(other, await other.open({ ...run, ...taskOf(first), metrics }));
  }
  const parts: [MainPart, ...Part[]] = [first, ...others.map((other) => opened.get(other)!)];
  const loweredRate = new LoweredRate();
  parts.push(loweredRate);
  const optimizer = await Optimizer.open(engine, rule, replaysPerUpdate, {
    clears: model.scores > 0,
    groups,
  });
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
    sharing,
    capacity: Math.max(...parts.map(({ objective }) => objective?.capacity ?? 0)),
    replaysPerUpdate,
    steps,
    epochs,
    memory,
    trainedNumbers: numbersOf(main.params.filter(({ needs }) => needs)),
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

/** Initial values that are measured; undefined where they are not. */
async function measuredOf(
  { plan: { config, context }, trained: { measures: modules }, rows, log }: SessionOptions,
  retention: readonly Example[],
): Promise<Measured | undefined> {
  const { adapter, train: { seed } } = config;
  if (!modules || !isMeasured(adapter.init)) return undefined;
  const examples = INIT_TEXTS[adapter.init] === "rows" ? rows.examples : retention;
  const found = await measureInit(adapter.init, {
    ...{ ...context, adapter, modules, examples, seed, log },
  });
  return found.factors;
}

/** What parts that are beside it see of the main one. */
const taskOf = ({ task, tokens }: MainPart) => ({ task, ...(tokens && { tokens }) });

/** Updates that a run makes where nobody says how many, by passes over the rows: 1 to 10. */
const UPDATES = 100;
const MOST_EPOCHS = 10;

/** Passes over the rows, given or as few rows need them; null where updates are given. */
async function epochsOf(
  { steps, epochs }: SizedConfig["train"],
  prepared: PreparedMain,
): Promise<number | null> {
  if (steps !== undefined) return null;
  if (epochs !== undefined) return epochs;
  const updates = await prepared.steps(1);
  return Math.min(MOST_EPOCHS, Math.ceil(UPDATES / updates));
}

/** What methods are prepared from: the rows that are measured are read here. */
async function contextOf(options: SessionOptions): Promise<RunContext> {
  const { plan: { config, context }, rows, seen, attempts, log } = options;
  const { model } = context;
  const measured: Example[] = [];
  await loadRows(model, config.eval.data, config, log, (example) => measured.push(example));
  return {
    ...context,
    tokenizer: rowTokenizer(model),
    rows: { examples: rows.examples, mixture: mixtureOf(rows, config.mixture, log) },
    ...{ measured, seen, attempts, log },
  };
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

/** What is made when it is first asked for. */
function once<T>(make: () => Promise<T>): { get: () => Promise<T>; made: T | null } {
  let making: Promise<T> | null = null;
  const result = { made: null as T | null, get: () => making ??= make().then(keep) };
  const keep = (made: T) => result.made = made;
  return result;
}
