/**
 * One training of the guard experiment, and what it is worth at each budget.
 *
 * @module
 */
import { encode, type Example, loadExamples, rowTokenizer } from "../../data/mod.ts";
import { perplexity } from "../../eval/perplexity.ts";
import type { Device } from "../../gpu/device.ts";
import { parseBudget } from "../../forgetting/budget.ts";
import { ForgettingMeter } from "../../forgetting/measure.ts";
import { blocksOf, type Domain, readRetention } from "../../forgetting/text/retention.ts";
import { claimedRise } from "../../forgetting/select/betting.ts";
import type { Measures } from "../../forgetting/select/select.ts";
import { choose, measuresOf } from "../../forgetting/select/result.ts";
import { GuardPart } from "../../forgetting/part.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { trainLoop } from "../../train/loop.ts";
import { withSession } from "../../train/open.ts";
import type { Session } from "../../train/session.ts";
import type { ParsedConfig } from "../../config/mod.ts";
import type { Spec } from "./spec.ts";

/** One arm at one budget and seed. Losses and shifts in nats a token. */
export interface Cell {
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
  readonly price: number | null;
  /** Of what was chosen, on text and rows that nothing else has used. */
  readonly test_shift: number;
  readonly test_se: number;
  /** The same as the certificate counts it, a document up to its limit; null where there is none. */
  readonly test_claimed: number | null;
  readonly task: number;
  readonly held_out: number;
  /** Seconds of training. */
  readonly seconds: number;
}

/** Trains once and chooses at each of the budgets. */
export async function runCells(
  device: Device,
  spec: Spec,
  parsed: ParsedConfig,
  budgets: readonly number[],
  about: { readonly arm: string; readonly seed: number },
): Promise<Cell[]> {
  return await withSession(parsed.config, { device }, async (session) => {
    const started = performance.now();
    const { step: done } = await trainLoop(session, { start: 0, checkpoints: parsed.config.out });
    const seconds = (performance.now() - started) / 1000;
    const guarding = session.parts.find((part) => part instanceof GuardPart)!;
    await guarding.guard.finish(done);
    const last = guarding.guard.trace.at(-1)!;
    const test = await openTest(session, spec);
    const measures = remembered(measuresOf(guarding.selectOptions(guarding.guard.domains)));
    const cells: Cell[] = [];
    for (const budget of budgets) {
      const domains = withBudget(guarding.guard.domains, `ppl:${budget}%`);
      const { step, strength, marginalGain: price, certificate } = await choose({
        ...guarding.selectOptions(domains),
        measures,
      });
      guarding.put(step, strength);
      const passed = certificate?.trials.find((trial) => trial.strength === strength);
      cells.push({
        ...about,
        budget,
        epsilon: domains[0]!.budget.epsilon,
        raw: last.shifts[0]!.mean,
        step,
        strength,
        certified: strength > 0,
        price,
        ...await test(passed ? passed.bounds[0]!.limit : null),
        seconds,
      });
    }
    return cells;
  });
}

const withBudget = (domains: readonly Domain[], text: string): Domain[] =>
  domains.map((domain) => ({ ...domain, budget: parseBudget(text)[0]! }));

/** Measures what was measured before only once. */
function remembered({ shifts, task }: Measures): Measures {
  const memory = new Map<string, Promise<unknown>>();
  const once = <T>(key: string, make: () => Promise<T>) =>
    memory.getOrInsertComputed(key, make) as Promise<T>;
  return {
    shifts: (step, strength) => once(`shifts ${step} ${strength}`, () => shifts(step, strength)),
    task: (step, strength) => once(`task ${step} ${strength}`, () => task(step, strength)),
  };
}

/** Loads the test's text and rows; measures the model as the store has it at the time. */
async function openTest({ engine, model, config, trained }: Session, { test }: Spec) {
  const tokenizer = rowTokenizer(model);
  const T = config.train.micro_batch_tokens;
  const maxTokens = Math.min(T, model.config.context);
  const documents = [...(await readRetention(test.text)).values()].flat()
    .map((document) => blocksOf(encode(document, tokenizer), maxTokens, tokenizer.bos));
  const rows = async (entries: Spec["test"]["data"]) => {
    const loaded: Example[] = [];
    for (const entry of entries) {
      loaded.push(...(await loadExamples(entry, tokenizer, { maxTokens })).examples);
    }
    return loaded;
  };
  const [task, heldOut] = [await rows(test.data), await rows(test.heldOut)];
  const options = { T, ...trained.graph };
  const [budget] = parseBudget("ppl:2%"); // of any size: what is measured is the rise
  const tuned = await LossProgram.open(engine, model, options);
  const both = await LossProgram.open(engine, model, { ...options, loss: "kl" });
  const meter = await ForgettingMeter.open(
    { tuned, both },
    [{ budget: budget!, probe: documents }],
    "probe",
  );
  return async (limit: number | null) => {
    const [shift] = await meter.measure();
    return {
      test_shift: shift!.mean,
      test_se: shift!.se,
      test_claimed: limit === null ? null : claimedRise(shift!.documents, limit),
      task: (await perplexity(tuned, task)).nll,
      held_out: (await perplexity(tuned, heldOut)).nll,
    };
  };
}
