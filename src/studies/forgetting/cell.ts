/**
 * One training of the study of forgetting, and what it is worth at each budget.
 *
 * @module
 */
import { hashText } from "../../curate/words.ts";
import { encode, type Example, loadExamples, rowTokenizer } from "../../data/mod.ts";
import { perplexity } from "../../eval/perplexity.ts";
import { parseBudget } from "../../forgetting/budget.ts";
import { ForgettingMeter, type Shift } from "../../forgetting/measure.ts";
import { forgettingGuard } from "../../forgetting/method.ts";
import type { GuardPart } from "../../forgetting/part.ts";
import { claimedRise } from "../../forgetting/select/betting.ts";
import { choose, measuresOf } from "../../forgetting/select/result.ts";
import { type Measures, remembered } from "../../forgetting/select/select.ts";
import { blocksOf, type Domain, readRetention } from "../../forgetting/text/retention.ts";
import { ConfigError } from "../../errors.ts";
import { LossProgram } from "../../models/loss_program.ts";
import type {
  EndContext,
  Ending,
  RunContext,
  SideContext,
  SideMethod,
} from "../../objectives/objective.ts";
import type { ParsedConfig } from "../../config/mod.ts";
import { trainCell } from "../engine/run.ts";
import type { CellContext } from "../engine/study.ts";
import {
  certifyResamples,
  distinctOf,
  of,
  plantAs,
  type Planted,
  type Resampled,
  type Resampling,
} from "./resampling.ts";
import type { Experiment } from "./spec.ts";

/** One arm at one budget and seed. Losses and shifts in nats a token. */
export type Score = {
  readonly arm: string;
  readonly seed: number;
  /** In percent of perplexity. */
  readonly budget: number;
  readonly epsilon: number;
  /** At the end of the run, at full strength: the shift on the control text. */
  readonly raw: number;
  /** What was chosen, and what a tenth more of the budget would buy there. */
  readonly step: number;
  readonly strength: number;
  readonly certified: boolean;
  readonly marginal_gain: number | null;
  /** Of what was chosen, on text and rows that nothing else has used. */
  readonly test_shift: number;
  readonly test_se: number;
  /** The same as the certificate counts it, a document up to its limit; null where there is none. */
  readonly test_claimed: number | null;
  readonly task: number;
  /** On rows of tasks that are not trained on; null where the spec has none. */
  readonly held_out: number | null;
  /** Certificates of the same run by draws of the test's documents; none where the spec has no draws. */
  readonly drawn: readonly Resampled[];
  /** A violation of the shape of the run's rises, at its first budget; null at others, or without draws. */
  readonly planted: Planted | null;
};

/** A training: a controlled arm has one for each budget. */
export interface Training {
  readonly name: string;
  readonly arm: string;
  readonly seed: number;
  readonly budgets: readonly number[];
  readonly parsed: ParsedConfig;
}

/** Trains once and chooses at each of the budgets. */
export async function scoresOf(
  training: Training,
  test: Experiment["test"],
  context: CellContext,
): Promise<Score[]> {
  const { parsed } = training;
  const { guard } = parsed.config;
  if (!guard) throw new ConfigError(`${training.name}: found no guard, wanted one`);
  let scores: Score[] | null = null;
  const method = endingBy(forgettingGuard(guard), async (part, run, end) => {
    scores = await choices(part, { run, end, training, test });
  });
  await trainCell(parsed, context, { beside: [method] });
  return scores!;
}

/**
 * The guard with another end: it chooses at several budgets, and saves what the last of them allows;
 * with draws what was trained, which others can measure at any strength.
 */
function endingBy(
  guard: SideMethod,
  finish: (part: GuardPart, run: RunContext, end: EndContext) => Promise<void>,
): SideMethod {
  return {
    plan: async (context) => {
      const planned = await guard.plan(context);
      const prepare = async (run: RunContext) => {
        const prepared = await planned.prepare(run);
        const open = async (opening: SideContext) => {
          const part = await prepared.open(opening) as GuardPart;
          part.end = async (end): Promise<Ending> => {
            await finish(part, run, end);
            await end.save();
            return { measured: await end.measure(), report: null };
          };
          return part;
        };
        return { ...prepared, open };
      };
      return { ...planned, prepare };
    },
  };
}

interface Finished {
  readonly run: RunContext;
  readonly end: EndContext;
  readonly training: Training;
  readonly test: Experiment["test"];
}

async function choices(part: GuardPart, { run, end, training, test }: Finished): Promise<Score[]> {
  const { arm, seed, budgets } = training;
  await part.guard.finish(end.step);
  const last = part.guard.history.at(-1)!;
  using tested = await openTest(run, test);
  // Tests of the study itself, which has text of its own to see whether they hold, are not counted.
  const options = (domains: readonly Domain[]) => ({
    ...part.selectOptions(domains),
    attempts: null,
  });
  const measures = remembered(measuresOf(options(part.guard.domains)));
  const { draws } = test;
  const judge = draws &&
    await openDraws(part, { tested, training, draws, measures, last: last.step });
  const scores: Score[] = [];
  for (const budget of budgets) {
    const domains = withBudget(part.guard.domains, `ppl:${budget}%`);
    const { step, strength, marginalGain, certificate } = await choose({
      ...options(domains),
      measures,
    });
    part.put(step, strength);
    const passed = certificate?.trials.find((trial) => trial.strength === strength);
    scores.push({
      ...{ arm, seed, budget },
      epsilon: domains[0]!.budget.epsilon,
      raw: last.shifts[0]!.mean,
      step,
      strength,
      certified: strength > 0,
      marginal_gain: marginalGain,
      ...await tested.measure(passed ? passed.bounds[0]!.limit : null),
      drawn: await judge?.certify(domains[0]!.budget.epsilon) ?? [],
      planted: scores.length === 0 ? judge?.plant(domains[0]!.budget.epsilon) ?? null : null,
    });
  }
  if (judge) part.put(last.step, 1);
  return scores;
}

/** Tries at the violation that is planted, and its level. */
const PLANTED = { tries: 500, delta: 0.05 };

interface Judged {
  readonly tested: Awaited<ReturnType<typeof openTest>>;
  readonly training: Training;
  readonly draws: Resampling;
  readonly measures: Measures;
  /** The end of the run. */
  readonly last: number;
}

/** Judges a run by draws of the test's documents, on which each strength is measured once. */
async function openDraws(part: GuardPart, { tested, training, draws, measures, last }: Judged) {
  const shifts = new Map<string, Promise<Shift>>();
  const rises = (step: number, strength: number) =>
    shifts.getOrInsertComputed(`${step} ${strength}`, () => {
      part.put(step, strength);
      return tested.shift();
    });
  const pool = distinctOf(tested.documents, draws);
  const { documents } = await rises(last, 1);
  const { candidates, strengths } = part.selectOptions(part.guard.domains);
  const steps = candidates.map(({ step }) => step);
  const from = { pool, rises, measures, steps, strengths, seed: hashText(training.name) };
  return {
    certify: (epsilon: number) => certifyResamples(epsilon, draws, from),
    plant: (epsilon: number) =>
      plantAs(of(documents, pool), epsilon, { ...draws, ...PLANTED, seed: from.seed }),
  };
}

const withBudget = (domains: readonly Domain[], text: string): Domain[] =>
  domains.map((domain) => ({ ...domain, budget: parseBudget(text)[0]! }));

/** Loads the test's text and rows; measures the model as the store has it at the time. */
async function openTest(
  { engine, model, train: { micro_batch_tokens: T }, graph }: RunContext,
  test: Experiment["test"],
) {
  const tokenizer = rowTokenizer(model);
  const maxTokens = Math.min(T, model.config.context);
  const documents = [...(await readRetention(test.text)).values()].flat();
  const blocks = documents.map((document) =>
    blocksOf(encode(document, tokenizer), maxTokens, tokenizer.bos)
  );
  const rows = async (entries: Experiment["test"]["data"]) => {
    const loaded: Example[] = [];
    for (const entry of entries) {
      loaded.push(...(await loadExamples(entry, tokenizer, { maxTokens })).examples);
    }
    return loaded;
  };
  const [task, heldOut] = [await rows(test.data), await rows(test.heldOut)];
  const options = { ...graph, T };
  const [budget] = parseBudget("ppl:2%"); // of any size: what is measured is the rise
  const tuned = await LossProgram.open(engine, model, options);
  const both = await LossProgram.open(engine, model, { ...options, loss: "kl" });
  const meter = await ForgettingMeter.open(
    { tuned, both },
    [{ budget: budget!, probe: blocks }],
    "probe",
  );
  const shift = async (): Promise<Shift> => (await meter.measure())[0]!;
  return {
    documents,
    shift,
    async measure(limit: number | null) {
      const { mean, se, documents } = await shift();
      return {
        test_shift: mean,
        test_se: se,
        test_claimed: limit === null ? null : claimedRise(documents, limit),
        task: (await perplexity(tuned, task)).nll,
        held_out: heldOut.length > 0 ? (await perplexity(tuned, heldOut)).nll : null,
      };
    },
    [Symbol.dispose]() {
      tuned.compiled.destroy();
      both.compiled.destroy();
    },
  };
}
