/**
 * The guard of a run with its programs: what it adds to updates, and how the run ends.
 *
 * @module
 */
import { firstDecides } from "../distributed/dealing.ts";
import { FileError } from "../errors.ts";
import type { Planned } from "../graph/planned.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { metricOf } from "../objectives/measured.ts";
import type {
  Column,
  EndContext,
  Ending,
  Fields,
  Part,
  RunContext,
  RunMetric,
  SideContext,
  TaskSample,
} from "../objectives/objective.ts";
import { documentHash, documentSketch, type UsedDocuments } from "../objectives/documents.ts";
import { ForgettingMeter } from "./measure.ts";
import { reportPage } from "./page/page.ts";
import { forgettingReport } from "./report/report.ts";
import type { GuardConfig } from "./settings.ts";
import { type GuardResult, selectAndCertify, type SelectOptions } from "./select/result.ts";
import { putAt, strengthsOf } from "./select/strength.ts";
import type { Entry } from "./control/snapshots.ts";
import { Guard } from "./control/guard.ts";
import type { GuardState, RetentionTerm } from "./control/parts.ts";
import { type PlannedTerm, rowSizes } from "./term.ts";
import { contentsOf, type Domain } from "./text/retention.ts";
import type { HeldPart } from "./text/parts.ts";

/** Where an adapter goes that was not certified at any strength. */
export const UNCERTIFIED = "uncertified";

/** What a guard is opened with. */
export type Opening = SideContext;

/** What a guard is made of, before it takes memory. */
export interface GuardPlans {
  readonly context: RunContext;
  readonly settings: GuardConfig;
  readonly domains: readonly Domain[];
  readonly term: PlannedTerm;
  /** Both models side by side. */
  readonly both: Planned<LossProgram>;
  /** The field that moments are compared by; null for the loss of the task. */
  readonly metric: string | null;
}

/** What a guard works with once it is open. */
interface Opened {
  readonly run: Opening;
  readonly term: RetentionTerm | null;
  /** Retention tokens that the whole run trains on. */
  readonly tokens: number;
  readonly tuned: LossProgram;
  /** Both models side by side. */
  readonly both: LossProgram;
  readonly control: ForgettingMeter;
  readonly task: TaskSample;
  /** What moments are compared by in place of the task's loss; null for that. */
  readonly metric: RunMetric | null;
}

/** A run's guard with its programs. */
export class GuardPart implements Part {
  readonly name = "guard";
  #guard: Guard;

  private constructor(private readonly plans: GuardPlans, private readonly opened: Opened) {
    this.#guard = this.#make();
  }

  /** Records the programs and measures the base. The params must be in the store. */
  static async open(plans: GuardPlans, run: Opening): Promise<GuardPart> {
    const { domains, settings } = plans;
    const { term, tokens } = await plans.term.open(domains, run.steps, plans.context.log);
    const metric = plans.metric === null ? null : metricOf(plans.metric, run.metrics);
    const tuned = await run.tuned();
    const both = await plans.both.open();
    const control = await ForgettingMeter.open({ tuned, both }, domains, "control");
    const task = await run.task(settings.task_rows);
    return new GuardPart(plans, { run, term, tokens, tuned, both, control, task, metric });
  }

  get guard(): Guard {
    return this.#guard;
  }

  get objective(): Guard {
    return this.#guard;
  }

  get hook(): Guard {
    return this.#guard;
  }

  get meters(): readonly Guard[] {
    return [this.#guard];
  }

  get columns(): readonly Column[] {
    const { domains } = this.plans;
    return domains.map(({ name, budget: { metric, epsilon } }): Column => ({
      field: domains.length > 1 ? `forgetting.${name}` : "forgetting",
      label: "forget",
      ...(domains.length > 1 && { of: name }),
      budget: metric === "ppl" ? Math.expm1(epsilon) : epsilon,
      unit: metric === "ppl" ? "percent" : "number",
    }));
  }

  async state(): Promise<GuardState & { readonly text: string }> {
    return { ...await this.#guard.state(), text: contentsOf(this.plans.domains) };
  }

  get documents(): UsedDocuments {
    const { plans: { domains, context: { tokenizer } }, opened: { task: { rows } } } = this;
    const of = (use: "train" | HeldPart) => domains.flatMap(({ hashes }) => hashes[use]);
    const compare = rows.map((row) => documentHash(row, tokenizer));
    return {
      sketches: [
        ...domains.flatMap(({ sketches }) => sketches),
        ...rows.map((row) => documentSketch(row, tokenizer)),
      ],
      hashes: {
        ...{ train: of("train"), compare, control: of("control") },
        ...{ certificate: of("certificate"), probe: of("probe") },
      },
    };
  }

  restore(state: unknown): void {
    const { folder } = this.opened.run;
    if (!state) throw new FileError(`Cannot resume: ${folder} holds nothing of the guard`);
    const { text, ...kept } = state as Awaited<ReturnType<GuardPart["state"]>>;
    if (!kept.history) {
      throw new FileError(
        `Cannot resume: what ${folder} holds of the guard was written by an older version, wanted a run ` +
          "of this one",
      );
    }
    if (text !== undefined && text !== contentsOf(this.plans.domains)) {
      throw new FileError(
        "Cannot resume: the retention text is another than when the run began, wanted the same, or " +
          "a run of its own in another folder",
      );
    }
    this.#guard = this.#make(kept);
  }

  hear(step: number, values: Promise<Fields>): void {
    if (this.opened.metric) this.#guard.hear(step, values);
  }

  sweep(): void {
    this.#guard.sweep();
  }

  /**
   * Selects and certifies, and saves at the strength that was. Where only the base is certain, the
   * adapter is saved at strength 0, and what was trained beside it.
   */
  async end({ step, seconds, measure, save, log }: EndContext): Promise<Ending> {
    await this.#guard.finish(step);
    const { snapshots: { entries }, snapshots } = this.#guard;
    const there = await firstDecides(() => snapshots.readable.map(({ step }) => step));
    const readable = entries.filter(({ step }) => there.includes(step));
    const lost = entries.length - readable.length;
    if (lost > 0) log(`guard: ${lost} moments are gone from the disk and cannot be chosen`);
    log("guard: selecting and certifying");
    const result = await selectAndCertify(this.selectOptions(this.plans.domains, readable));
    const { strength, shifts, task, selection } = result;
    if (result.metric) log(`guard: ${chosenWords(result, result.metric)}`);
    this.put(result.step, strength);
    const fields = this.#guard.fields({ step: result.step, shifts, task: task!.tuned });
    const measured = { ...fields, ...await measure() };
    this.put(result.step, 1);
    await save({ scaling: strength });
    if (strength === 0) {
      await save({ scaling: selection.chosen?.strength ?? 1, folder: UNCERTIFIED });
    }
    return { measured, report: this.#report(result, seconds) };
  }

  #report(result: Awaited<ReturnType<typeof selectAndCertify>>, seconds: number): Ending["report"] {
    const { task, run, tokens } = this.opened;
    const { settings, domains, context: { train, model, seen } } = this.plans;
    const { history, rollbacks } = this.#guard;
    const data = forgettingReport({
      ...settings,
      domains,
      result,
      history,
      rollbacks,
      trainedBy: seen.complete ? "this run" : "another from elsewhere",
      task: task.rows,
      taskFrom: task.from,
      taskUnit: task.unit,
      cost: {
        seconds,
        task_tokens: run.tokens?.() ?? train.tokens_per_batch * run.steps,
        guard_tokens: tokens,
      },
      decode: (ids) => model.tokenizer.decode(ids),
    });
    return { name: "forgetting", data, page: (...of) => reportPage(data, ...of) };
  }

  /** What this run can choose, held to the budgets of the domains. */
  selectOptions(
    domains: readonly Domain[],
    readable: readonly Entry[] = this.#guard.snapshots.readable,
  ): SelectOptions {
    const { tuned, both, control, task, metric } = this.opened;
    const { snapshots } = this.#guard;
    const moved = readable.filter(hasMoved);
    const spent = ({ shifts }: Entry) =>
      Math.max(...shifts.map(({ mean }, i) => mean / domains[i]!.budget.epsilon));
    return {
      domains,
      control,
      task,
      metric,
      programs: { tuned, both },
      candidates: (moved.length > 0 ? moved : readable)
        .map((entry) => ({ step: entry.step, spent: spent(entry) })),
      strengths: strengthsOf(this.plans.context.model),
      put: (step, strength) => this.put(step, strength),
      certificate: this.plans.settings,
      attempts: this.plans.context.attempts,
      params: (step) => snapshots.read(step),
    };
  }

  /** Puts a kept moment into the store, at a strength. */
  put(step: number, strength: number): void {
    const { run: { base } } = this.opened;
    const { engine: { store }, model } = this.plans.context;
    putAt({ model, store, base }, this.#guard.snapshots.read(step), strength);
  }

  close(): void {
    this.opened.term?.close();
    this.opened.both.compiled.destroy();
  }

  #make(state?: GuardState): Guard {
    const { term, control, task, metric, run: { steps, folder, remainingDecay } } = this.opened;
    const { domains, settings, context: { engine: { store }, train } } = this.plans;
    const { weight = null, controller, rollback, every } = settings;
    const { micros: count } = rowSizes(train, settings);
    return new Guard(
      { store, domains, term, count, control, task, metric, folder },
      { weight, controller, rollback, every, steps, remainingDecay },
      state,
    );
  }
}

/** What was chosen by a metric, and among how many. */
function chosenWords(
  { step, strength, selection: { points } }: GuardResult,
  { field, better, base, tuned }: NonNullable<GuardResult["metric"]>,
): string {
  const within = points.filter(({ value }) => value !== undefined).length;
  const extreme = better === "lower" ? "least" : "greatest";
  return `the ${extreme} ${field} of ${within} within the budget, ${
    base.toFixed(4)
  } of the base: ` +
    `kept ${tuned.toFixed(4)} of step ${step} at strength ${strength}`;
}

/** Whether a moment differs from the base: a fresh adapter does not, and is no better. */
const hasMoved = ({ shifts }: Entry): boolean =>
  shifts.some(({ mean, se, net }) => mean !== 0 || se !== 0 || net !== 0);
