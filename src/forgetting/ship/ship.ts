/**
 * What is shipped: a moment of the run at a strength, chosen on the control text and certified on
 * text that was touched for nothing else.
 *
 * @module
 */
import type { TaskSample } from "../../objectives/objective.ts";
import type { Measured } from "../steer/archive.ts";
import { type Certificate, certify, type CertifyOptions, ladder } from "./certify.ts";
import { Gauge, type GaugePrograms } from "../gauge.ts";
import { type Portrait, portray } from "./portrait.ts";
import { priceOf } from "./price.ts";
import type { Slice } from "../text/retention.ts";
import { type Candidate, type Measures, select, type Selection } from "./select.ts";

/** What can be shipped, and what it is measured by. */
export interface ShipOptions {
  readonly programs: GaugePrograms;
  readonly slices: readonly Slice[];
  /** Measures the control part. */
  readonly control: Gauge;
  /** Rows that choices are compared by; the strongest is chosen where there are none. */
  readonly task: Pick<TaskSample, "rows" | "queue">;
  readonly candidates: readonly Candidate[];
  /** Puts a candidate at a strength where the programs find it. */
  readonly put: (step: number, strength: number) => void;
  readonly certificate: CertifyOptions;
  /** In place of those that {@link measuresOf} makes. */
  readonly measures?: Measures;
}

/** A moment at a strength, and why. */
export interface Choice {
  /** Updates done by the moment that is shipped. */
  readonly step: number;
  /** The part of the way from the base (0) to what was trained (1). */
  readonly strength: number;
  readonly selection: Selection;
  /** Null where nothing but the base kept the budget on the control text. */
  readonly certificate: Certificate | null;
  /** See {@link priceOf}; null where the base is shipped, or there is no sample of the task. */
  readonly price: number | null;
}

/** What is shipped, and how it measures. */
export interface Shipment extends Choice {
  /** Of the base and of what is shipped, on the task's sample; null where there is none. */
  readonly task: TaskLosses | null;
  /** Of what is shipped, on the control text. */
  readonly shifts: readonly Measured[];
  /** Nats a token of the base on the control text of each slice. */
  readonly baseNll: readonly number[];
  /** What is shipped beside its base, on the probe text of each slice. */
  readonly portraits: readonly Portrait[];
}

/** Losses on the task's sample, in nats a token. */
export interface TaskLosses {
  readonly base: number;
  readonly tuned: number;
  /** What is shipped beside its base. */
  readonly portrait: Portrait;
}

/** Measures candidates on the control text and on the task's sample. */
export function measuresOf(options: Omit<ShipOptions, "certificate" | "candidates">): Measures {
  const { control, task, put } = options;
  return {
    task: async (step, strength) => {
      if (task.rows.length === 0) return -strength;
      put(step, strength);
      return await (await task.queue()).result;
    },
    shifts: async (step, strength) => {
      put(step, strength);
      const found = await control.measure();
      return found.map(({ mean, se, net, nll }) => ({ mean, se, net, nll }));
    },
  };
}

/** Selects and certifies. What was put last is of no use. */
export async function choose(options: ShipOptions): Promise<Choice> {
  const { slices, candidates } = options;
  const epsilons = slices.map(({ budget }) => budget.epsilon);
  const measures = options.measures ?? measuresOf(options);
  const baseTask = await measures.task(candidates.at(-1)!.step, 0);
  const selection = await select(candidates, epsilons, measures, baseTask);
  const step = selection.chosen?.step ?? candidates.at(-1)!.step;
  const certificate = selection.chosen &&
    await testStrengths(selection.chosen.strength, epsilons, options, step);
  const strength = certificate?.strength ?? 0;
  const hasPrice = strength > 0 && options.task.rows.length > 0;
  const price = hasPrice ? await priceOf(measures, epsilons, step, strength) : null;
  return { step, strength, selection, certificate, price };
}

/** Selects, certifies and looks at the result. What was put last is of no use. */
export async function ship(options: ShipOptions): Promise<Shipment> {
  const { programs, slices, control, task, put } = options;
  const choice = await choose(options);
  const { step, strength } = choice;
  const measures = options.measures ?? measuresOf(options);
  const shifts = await measures.shifts(step, strength);
  const [base, tuned] = [await measures.task(step, 0), await measures.task(step, strength)];
  put(step, strength);
  const portraits: Portrait[] = [];
  for (const { probe } of slices) portraits.push(await portray(programs.both, probe.flat()));
  const losses = task.rows.length === 0
    ? null
    : { base, tuned, portrait: await portray(programs.both, task.rows) };
  return { ...choice, task: losses, shifts, baseNll: control.baseNll, portraits };
}

/** The certificate's text is opened here and nowhere else. */
async function testStrengths(
  wanted: number,
  epsilons: readonly number[],
  { programs, slices, control, put, certificate }: ShipOptions,
  step: number,
): Promise<Certificate> {
  const gauge = await Gauge.open(programs, slices, "certificate");
  const risesAt = async (strength: number) => {
    put(step, strength);
    const others = await control.measure();
    return (await gauge.measure()).map(({ documents }, i) => ({
      control: others[i]!.documents,
      certificate: documents,
    }));
  };
  return await certify(ladder(wanted), epsilons, risesAt, certificate);
}
