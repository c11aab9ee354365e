/**
 * What is chosen: a moment of the run at a strength, chosen on the control text and certified on
 * text that was touched for nothing else.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { firstDecides } from "../../distributed/dealing.ts";
import { within } from "../../progress.ts";
import type { Attempt, AttemptLedger } from "../../objectives/attempts.ts";
import type { Metric, RunMetric, TaskSample } from "../../objectives/objective.ts";
import type { Measured } from "../control/snapshots.ts";
import { type Certificate, certify, type CertifyOptions, ladder } from "./certify.ts";
import { ForgettingMeter, type MeterPrograms } from "../measure.ts";
import { compareModels, type ModelComparison } from "./comparison.ts";
import { marginalGainOf } from "./marginal_gain.ts";
import type { Domain } from "../text/retention.ts";
import {
  type Candidate,
  type Measures,
  remembered,
  select,
  type Selection,
  worthOf,
} from "./select.ts";
import { levelAfter } from "./spending.ts";

/** What can be chosen, and what it is measured by. */
export interface SelectOptions {
  readonly programs: MeterPrograms;
  readonly domains: readonly Domain[];
  /** Measures the control part. */
  readonly control: ForgettingMeter;
  /** Rows that choices are compared by; the strongest is chosen where there are none. */
  readonly task: Pick<TaskSample, "rows" | "queue">;
  /** What choices are compared by in place of the task's loss; null for that. */
  readonly metric: RunMetric | null;
  readonly candidates: readonly Candidate[];
  /** Strengths that each of them has. */
  readonly strengths: readonly number[];
  /** Puts a candidate at a strength where the programs find it. */
  readonly put: (step: number, strength: number) => void;
  /** How sure the certificate is over all attempts on its documents. */
  readonly certificate: CertifyOptions;
  /** Where attempts are counted; null where they are not. */
  readonly attempts: AttemptLedger | null;
  /** The params of a candidate, which say what is tested. */
  readonly params: (step: number) => Uint8Array;
  /** In place of those that {@link measuresOf} makes. */
  readonly measures?: Measures;
}

/** A moment at a strength, and why. */
export interface Choice {
  /** Updates done by the moment that is chosen. */
  readonly step: number;
  /** The part of the way from the base (0) to what was trained (1). */
  readonly strength: number;
  readonly selection: Selection;
  /** Null where nothing but the base kept the budget on the control text. */
  readonly certificate: AttemptedCertificate | null;
  /**
   * See {@link marginalGainOf}; null where the base is chosen, there is no sample of the task, or no
   * other strength.
   */
  readonly marginalGain: number | null;
}

/** A certificate, and which one it is on its documents. */
export interface AttemptedCertificate extends Certificate {
  /** Null where attempts are not counted. */
  readonly attempt: Attempt | null;
  /** The level at which it was tested. */
  readonly level: number;
}

/** What is chosen, and how it measures. */
export interface GuardResult extends Choice {
  /** Of the base and of what is chosen, on the task's sample; null where there is none. */
  readonly task: TaskLosses | null;
  /** The metric that choices were compared by, of the base and of what is chosen; null for the loss. */
  readonly metric: (Metric & { readonly base: number; readonly tuned: number }) | null;
  /** Of what is chosen, on the control text. */
  readonly shifts: readonly Measured[];
  /** Nats a token of the base on the control text of each domain. */
  readonly baseNll: readonly number[];
  /** What is chosen beside its base, on the probe text of each domain. */
  readonly comparisons: readonly ModelComparison[];
}

/** Losses on the task's sample, in nats a token. */
export interface TaskLosses {
  readonly base: number;
  readonly tuned: number;
  /** What is chosen beside its base. */
  readonly comparison: ModelComparison;
}

/** What is measured, for who waits. */
const trialOf = (what: string, strength: number): string =>
  `${what} at strength ${Number(strength.toFixed(3))}`;

/** Measures candidates on the control text and on the task's sample. */
export function measuresOf(
  options: Omit<SelectOptions, "certificate" | "candidates" | "strengths">,
): Measures {
  const { control, task, metric, put } = options;
  return {
    ...(metric && {
      metric: {
        better: metric.better,
        value: async (step, strength) => {
          put(step, strength);
          return await within(trialOf(metric.field, strength), () => metric.measure());
        },
      },
    }),
    task: async (step, strength) => {
      if (task.rows.length === 0) return -strength;
      put(step, strength);
      return await within(trialOf("task", strength), async () => {
        return await (await task.queue()).result;
      });
    },
    shifts: async (step, strength) => {
      put(step, strength);
      const found = await within(trialOf("forgetting", strength), () => control.measure());
      return found.map(({ mean, se, net, nll }) => ({ mean, se, net, nll }));
    },
  };
}

/** Selects and certifies. What was put last is of no use. */
export async function choose(options: SelectOptions): Promise<Choice> {
  const { domains, candidates, strengths } = options;
  const epsilons = domains.map(({ budget }) => budget.epsilon);
  const measures = options.measures ?? measuresOf(options);
  const base = await worthOf(measures, candidates.at(-1)!.step, 0);
  const selection = await select(candidates, epsilons, measures, base, strengths);
  const step = selection.chosen?.step ?? candidates.at(-1)!.step;
  const certificate = selection.chosen &&
    await testStrengths(selection.chosen.strength, epsilons, options, step);
  const strength = certificate?.strength ?? 0;
  const hasGain = strength > 0 && strengths.length > 1 && options.task.rows.length > 0;
  const marginalGain = hasGain ? await marginalGainOf(measures, epsilons, step, strength) : null;
  return { step, strength, selection, certificate, marginalGain };
}

/** Selects, certifies and looks at the result. What was put last is of no use. */
export async function selectAndCertify(options: SelectOptions): Promise<GuardResult> {
  const { programs, domains, control, task, metric, put } = options;
  const measures = remembered(options.measures ?? measuresOf(options));
  const choice = await choose({ ...options, measures });
  const { step, strength } = choice;
  const shifts = await measures.shifts(step, strength);
  const [base, tuned] = [
    await worthOf(measures, step, 0),
    await worthOf(measures, step, strength),
  ];
  put(step, strength);
  const comparisons: ModelComparison[] = [];
  for (const { name, probe } of domains) {
    const compare = () => compareModels(programs.both, probe.flat());
    comparisons.push(await within(`comparing with the base on ${name}`, compare));
  }
  const losses = task.rows.length === 0 ? null : {
    base: base.task!,
    tuned: tuned.task!,
    comparison: await compareModels(programs.both, task.rows),
  };
  return {
    ...choice,
    task: losses,
    metric: metric && {
      field: metric.field,
      better: metric.better,
      base: base.value!,
      tuned: tuned.value!,
    },
    shifts,
    baseNll: control.baseNll,
    comparisons,
  };
}

/** The certificate's text is opened here and nowhere else, once the attempt is counted. */
async function testStrengths(
  wanted: number,
  epsilons: readonly number[],
  options: SelectOptions,
  step: number,
): Promise<AttemptedCertificate> {
  const { programs, domains, control, put, attempts, certificate } = options;
  const strengths = ladder(wanted, options.strengths);
  const documents = domains.flatMap(({ hashes }) => hashes.certificate);
  const key = keyOf([strengths, epsilons, certificate, documents, control.baseNll], options, step);
  const attempt = await firstDecides(() => attempts?.begin({ documents, key }) ?? null);
  const level = levelAfter(attempt?.failed ?? 0, certificate.delta);
  const meter = await ForgettingMeter.open(programs, domains, "certificate");
  const risesAt = async (strength: number) => {
    put(step, strength);
    const trial = `certifying, strength ${strengths.indexOf(strength) + 1} of ${strengths.length}`;
    return await within(trial, async () => {
      const others = await control.measure();
      return (await meter.measure()).map(({ documents }, i) => ({
        control: others[i]!.documents,
        certificate: documents,
      }));
    });
  };
  const { strict } = certificate;
  const found = await certify(strengths, epsilons, risesAt, { strict, delta: level });
  attempts?.end(found.trials.every(({ passed }) => passed));
  return { ...found, attempt, level };
}

/** A hash of all that decides how a test ends. */
const keyOf = (settings: unknown, { params }: SelectOptions, step: number): string =>
  createHash("sha256").update(JSON.stringify(settings)).update(params(step)).digest("hex");
