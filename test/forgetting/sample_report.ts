/** A forgetting report to print, with domains of any names and tokens. */
import type { ForgettingReport } from "../../src/forgetting/report/format.ts";
import type { MetricsLine } from "../../src/forgetting/page/page.ts";

type DomainReport = ForgettingReport["domains"][number];

/** What a test wants of a report. */
export interface Sample {
  readonly names?: readonly string[];
  /** A token of the worst documents, and their text. */
  readonly piece?: string;
  readonly text?: string[];
}

const flips = { lost: 49, won: 42, p: 0.53 };
const probe = { tokens: 4341, base_nll: 0.39, tuned_nll: 0.41, kl: 0.0152, flips };
const EPSILON = Math.log1p(0.02);

function slice(name: string, piece: string): DomainReport {
  return {
    ...{ name, metric: "ppl", budget: "ppl:2%", epsilon: EPSILON },
    documents: {
      ...{ train: 171, control: 64, certificate: 133, probe: 32 },
      ...{ repeated: 5, in_task: 6, trained_before: 0, nearly_trained_before: 0 },
    },
    sha256: { control: "c0".repeat(32), certificate: "ce".repeat(32), probe: "9e".repeat(32) },
    base_perplexity: 1.555,
    tuned_perplexity: 1.5737,
    control: { shift: 0.0118, se: 0.0012, net: 0.0107 },
    certificate: {
      ...{ shift: 0.0159, se: 0.00126, net: 0.0151, upper: 0.018 },
      ...{ limit: 3.4, beyond: 0.0223, documents: 133 },
    },
    probe: { ...probe, top1_agreement: 0.9551 },
    worst: [
      { shift: 0.0441, text: piece, tokens: [["Once", 0.5, 0.5], [piece, 0.02, 1.52]] },
      { shift: 0.04, text: "upon\na", tokens: [[" upon\n", 2.25, 1.125], [" a", 0.1, 0.105]] },
    ],
  };
}

/** A certified run. */
export function sampleReport({ names = ["all"], piece = " time", text }: Sample = {}) {
  const shifts = (mean: number) =>
    names.map(() => ({ mean, se: 0.001, net: mean, nll: 0.44 + mean }));
  const bounds = (mean: number, upper: number) =>
    names.map(() => ({
      ...{ mean, se: 0.0013, net: mean, upper, epsilon: EPSILON },
      ...{ limit: 3.4, beyond: 0.0223, documents: 133 },
    }));
  return {
    version: 3,
    statement: "Certified: forgets at most +1.8 % within the budget ppl:2%.",
    ...{ certified: true, budget: "ppl:2%", delta: 0.05, strict: false },
    attempt: { number: 1, failed_before: 0, level: 0.05 * 2 / 3 },
    independent: true,
    chosen: { step: 200, strength: 0.81 },
    domains: names.map((name) => slice(name, piece)),
    task: {
      ...{
        rows: 128,
        from: "eval.data",
        unit: "nats a token",
        base_loss: 4.9871,
        tuned_loss: 1.0871,
      },
      ...{ ...probe, tokens: 988, kl: 4.3681, top1_agreement: 0.2763 },
      flips: { lost: 14, won: 501, p: 1.7e-128 },
    },
    retention_text: text ?? "samples of the base model",
    marginal_gain: 0.0934,
    history: [[0, 4.9871, 0], [10, 2.2428, 0.1196], [200, 1.0255, 0.0223]].map(
      ([step, task_loss, mean]) => ({
        ...{ step: step!, task_loss: task_loss!, shifts: shifts(mean!) },
        lambdas: names.map(() => 4.7183),
      }),
    ),
    points: [
      { step: 200, strength: 1, shifts: shifts(0.0223), task: null },
      { step: 200, strength: 0.9, shifts: shifts(0.0161), task: 1.0464 },
    ],
    trials: [
      { strength: 0.45, bounds: bounds(0.0041, 0.0051), passed: true },
      { strength: 0.81, bounds: bounds(0.0159, 0.018), passed: true },
      { strength: 0.9, bounds: bounds(0.0211, 0.0236), passed: false },
    ],
    more_documents: null,
    rollbacks: 3,
    cost: { seconds: 384.95, task_tokens: 409600, guard_tokens: 102400 },
    not_covered: "Only the mean over documents like the retention text is bounded.",
  } satisfies ForgettingReport;
}

/** A run of an adapter from elsewhere, of which only the base is certain. */
export function uncertifiedReport(): ForgettingReport {
  const { cost: _, ...report } = sampleReport();
  return {
    ...report,
    statement: "Not certified: 1 documents do not prove it: needs about 812 more documents.",
    certified: false,
    chosen: { step: 0, strength: 0 },
    domains: report.domains.map((slice) => ({
      ...{ ...slice, certificate: null, control: { shift: 0, se: 0, net: 0 } },
      tuned_perplexity: slice.base_perplexity,
    })),
    marginal_gain: null,
    history: [],
    trials: [{
      strength: 0.5,
      bounds: [{
        ...{ mean: 0.01, se: NaN, net: 0.01, upper: Infinity, epsilon: EPSILON },
        ...{ limit: 3.4, beyond: 1, documents: 1 },
      }],
      passed: false,
    }],
    more_documents: 812,
  };
}

/** Lines of `metrics.jsonl`; one loss was not finite. */
export const sampleMetrics = (names: readonly string[] = ["all"]): MetricsLine[] =>
  [0, 100, 199].map((step) => ({
    step,
    loss: step === 100 ? null : 5.5181 - step / 50,
    ...Object.fromEntries(
      names.map((name) => [names.length > 1 ? `lambda.${name}` : "lambda", 1 + step]),
    ),
  }));
