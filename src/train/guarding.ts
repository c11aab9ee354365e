/**
 * The guard of a run, opened from its config, and what it ships at the end.
 *
 * @module
 */
import { type Encoder, type Example, type Examples, lengthOf } from "../data/mod.ts";
import { FileError } from "../errors.ts";
import type { Engine } from "../graph/compile.ts";
import type { Entry } from "../forgetting/steer/archive.ts";
import { parseBudget } from "../forgetting/budget.ts";
import { planElastic } from "../forgetting/elastic/penalty.ts";
import { Gauge } from "../forgetting/gauge.ts";
import { Guard } from "../forgetting/steer/guard.ts";
import type { GuardState, GuardTerm } from "../forgetting/steer/parts.ts";
import { forgettingReport } from "../forgetting/report/report.ts";
import type { ForgettingReport } from "../forgetting/report/format.ts";
import { comparedRows, type Slice, splitRetention } from "../forgetting/text/retention.ts";
import { GuardRows } from "../forgetting/text/rows.ts";
import { retentionText } from "../forgetting/text/samples.ts";
import { ship, type Shipment, type ShipOptions } from "../forgetting/ship/ship.ts";
import { applySnapshot, type BaseOf } from "../forgetting/ship/strength.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { LossGraphOptions, Model } from "../models/model.ts";
import { permutation } from "../random.ts";
import type { Config, GuardConfig } from "../config/mod.ts";
import { fallAhead } from "./schedule.ts";

/** The guard's part of an update: how many replays of how many tokens at most. */
export interface GuardRowSizes {
  readonly T: number;
  readonly micros: number;
}

/**
 * As few micro-batches as hold `share` of an update's tokens, none larger than a task's; one penalty
 * without rows for `ewc`; none where they would count nothing.
 */
export function guardRowSizes({ train, guard }: Pick<Config, "train" | "guard">): GuardRowSizes {
  if (!guard || guard.weight === 0) return { T: train.micro_batch_tokens, micros: 0 };
  if (guard.loss === "ewc") return { T: train.micro_batch_tokens, micros: 1 };
  const tokens = guard.share * train.tokens_per_batch;
  const micros = Math.ceil(tokens / train.micro_batch_tokens);
  return { T: Math.max(8, Math.round(tokens / micros / 8) * 8), micros };
}

export interface SlicesOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly encoder: Encoder;
  readonly config: Config;
  readonly task: Examples;
  /** The most tokens of a document that is measured. */
  readonly maxTokens: number;
  readonly say: (line: string) => void;
}

/** Reads the retention text of a config, or lets the base write it, and splits it; null without a guard. */
export async function loadSlices(options: SlicesOptions): Promise<readonly Slice[] | null> {
  const { engine, model, encoder, config, task, maxTokens, say } = options;
  const { guard, train: { seed } } = config;
  if (!guard) return null;
  const budgets = parseBudget(guard.budget);
  const { text, samples: count } = guard;
  await task.arrived?.(comparedRows(task, seed));
  return splitRetention(encoder, {
    documents: await retentionText(engine.device, model, {
      ...{ text, budgets, count, maxTokens, seed, say },
    }),
    budgets,
    held: guard.documents,
    seed,
    trainTokens: Math.min(maxTokens, guardRowSizes(config).T),
    maxTokens,
    task,
  });
}

export interface GuardingOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly config: Config;
  readonly slices: readonly Slice[];
  /** The graph of the tuned model that measures. */
  readonly graph: LossGraphOptions;
  readonly tuned: LossProgram;
  readonly baseOf: BaseOf;
  /** Updates of the whole run. */
  readonly steps: number;
  /** Rows of eval.data; where there are none, training rows stand in for them. */
  readonly measured: readonly Example[];
  readonly trained: Examples;
  /** The folder of the archive. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** Bytes of what a loss graph keeps only while it replays. */
export function activationBytes(engine: Engine, model: Model, options: LossGraphOptions): number {
  return LossProgram.plan(engine, model, options).footprint.temporary;
}

/** What the guard takes beside training, known before anything is allocated. */
export function guardFootprint(
  engine: Engine,
  model: Model,
  { guard, train }: Config,
  graph: LossGraphOptions,
): { activations: number; fisher: number } {
  if (!guard) return { activations: 0, fisher: 0 };
  const { T, micros } = guardRowSizes({ train, guard });
  const both = activationBytes(engine, model, { ...graph, loss: "kl" });
  if (guard.loss === "ewc" && micros > 0) {
    const { pass, penalty, fisher } = planElastic(engine, model, {
      ...{ adapt: graph.adapt!, T, recompute: train.recompute },
    }).footprint;
    return { activations: Math.max(pass, penalty + both), fisher }; // the pass is over by then
  }
  const loss = guard.loss === "kl" ? "kl" : "nll";
  const rows = activationBytes(engine, model, { ...graph, T, loss, train: true });
  return { activations: rows + both, fisher: 0 };
}

/** What the guard adds to the loss, opened. */
async function openTerm(options: GuardingOptions, settings: GuardConfig): Promise<GuardTerm> {
  const { engine, model, config, slices, graph, steps, say } = options;
  const { seed } = config.train;
  const { T, micros } = guardRowSizes(config);
  if (settings.loss === "ewc" && micros > 0) {
    const { fisher_documents: documents } = settings;
    const { recompute } = config.train;
    const elastic = planElastic(engine, model, { adapt: graph.adapt!, T, recompute });
    return await elastic.open({ slices, documents, seed, say });
  }
  const loss = settings.loss === "kl" ? "kl" : "nll";
  const program = await LossProgram.open(engine, model, { ...graph, T, loss, train: true });
  const rows = new GuardRows(slices, { T, micros, seed });
  return { program, rows, tokens: T * micros * steps };
}

/** A run's guard with its programs. */
export class Guarding {
  #guard: Guard;

  private constructor(
    readonly options: GuardingOptions,
    private readonly settings: GuardConfig,
    private readonly control: Gauge,
    private readonly task: readonly Example[],
    private readonly term: GuardTerm,
    private readonly both: LossProgram,
  ) {
    this.#guard = this.#make();
  }

  /** Records the programs and measures the base. The params must be in the store. */
  static async open(options: GuardingOptions, settings: GuardConfig): Promise<Guarding> {
    const { engine, model, config, slices, graph, tuned, measured, trained } = options;
    const term = await openTerm(options, settings);
    const both = await LossProgram.open(engine, model, { ...graph, loss: "kl" });
    const control = await Gauge.open({ tuned, both }, slices, "control");
    const rows = measured.length > 0 ? measured : trained;
    const order = permutation(rows.length, config.train.seed).slice(0, settings.task_rows);
    if (measured.length === 0) await trained.arrived?.(order);
    const task = Array.from(order, (i) => rows.at(i)!).filter((row) => lengthOf(row) > 0);
    return new Guarding(options, settings, control, task, term, both);
  }

  get guard(): Guard {
    return this.#guard;
  }

  /**
   * Goes on from what a checkpoint kept.
   *
   * @throws {FileError} where it kept nothing of a guard.
   */
  resume(state: GuardState | null): void {
    if (!state) {
      throw new FileError(`Cannot resume: ${this.options.folder} holds nothing of the guard`);
    }
    this.#guard = this.#make(state);
  }

  /** Selects and certifies after a run of that many seconds. */
  async ship(seconds: number): Promise<Shipped> {
    const { model, slices, measured, config, steps } = this.options;
    const { trace, rollbacks } = this.#guard;
    const shipment = await ship(this.shipOptions(slices));
    const { budget, delta, strict, text } = this.settings;
    const report = forgettingReport({
      ...{ budget, delta, strict, text, slices, shipment, trace, rollbacks },
      task: this.task,
      taskFrom: measured.length > 0 ? "eval.data" : "training rows",
      cost: {
        seconds,
        task_tokens: config.train.tokens_per_batch * steps,
        guard_tokens: this.term.tokens,
      },
      decode: (ids) => model.tokenizer.decode(ids),
    });
    return { shipment, report };
  }

  /** What this run can ship, held to the budgets of the slices. */
  shipOptions(slices: readonly Slice[]): ShipOptions {
    const { tuned } = this.options;
    const { archive } = this.#guard;
    const spent = ({ shifts }: Entry) =>
      Math.max(...shifts.map(({ mean }, i) => mean / slices[i]!.budget.epsilon));
    return {
      ...{ slices, control: this.control, task: this.task },
      programs: { tuned, both: this.both },
      candidates: archive.entries.map((entry) => ({ step: entry.step, spent: spent(entry) })),
      put: (step, strength) => this.put(step, strength),
      certificate: this.settings,
    };
  }

  /** Puts an archived moment into the store, at a strength. */
  put(step: number, strength: number): void {
    const { engine: { store }, baseOf } = this.options;
    applySnapshot(store, this.#guard.archive.read(step), strength, baseOf);
  }

  close(): void {
    for (const { compiled } of [this.term.program, this.both]) compiled.destroy();
  }

  #make(state?: GuardState): Guard {
    const { engine: { store }, slices, tuned, steps, folder } = this.options;
    const { term, control, task, settings: { weight = null, controller, wall, every } } = this;
    const schedule = { ...this.options.config.train, steps };
    const toFall = (step: number) => fallAhead(schedule, step);
    return new Guard(
      { store, slices, ...term, control, task, tuned, folder },
      { weight, controller, wall, every, steps, toFall },
      state,
    );
  }
}

/** What a guarded run ships, and its report. */
export interface Shipped {
  readonly shipment: Shipment;
  readonly report: ForgettingReport;
}
