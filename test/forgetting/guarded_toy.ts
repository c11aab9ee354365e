/** Guarded runs of the toy, and what a reader measures of them. */
import { openModel } from "../../src/inference/open.ts";
import { parseBudget } from "../../src/forgetting/budget.ts";
import { ForgettingMeter, type Shift } from "../../src/forgetting/measure.ts";
import { readRetention, splitRetention } from "../../src/forgetting/text/retention.ts";
import { NOTHING_SEEN } from "../../src/objectives/documents.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { rowTokenizer } from "../../src/data/mod.ts";
import { engine } from "../harness.ts";
import type { Toy, ToySettings } from "../train/toy.ts";

export const guarded = (toy: Toy, guard: Record<string, unknown> = {}): ToySettings => ({
  guard: {
    ...{ text: [toy.text], every: 5, budget: "ppl:5%" },
    ...(guard["weight"] !== 0 && { share: 0.5 }), // where it trains on none of the text, refused
    ...guard,
  },
  train: { steps: 30, lr: 0.02 },
});

export const reportOf = (toy: Toy, out: string) =>
  JSON.parse(Deno.readTextFileSync(toy.path(out, "forgetting_report.json")));

/** The adapter of a run as it was written, on the same control documents, by another way. */
export async function remeasure(toy: Toy, out: string, budget: string): Promise<Shift> {
  const { device } = await engine();
  using open = openModel(device, toy.model, toy.path(out));
  const domains = splitRetention(rowTokenizer(open.model), {
    documents: await readRetention([toy.text]),
    budgets: parseBudget(budget),
    held: { control: 64, certificate: 256, probe: 32 },
    ...{ seed: 42, trainTokens: 64, maxTokens: 64, task: [] },
    ...{ vocabSize: open.model.config.vocabSize, seen: NOTHING_SEEN },
  });
  const options = { T: 64, adapt: open.adapt };
  const programs = {
    tuned: await LossProgram.open(open.engine, open.model, options),
    both: await LossProgram.open(open.engine, open.model, { ...options, loss: "kl" }),
  };
  const meter = await ForgettingMeter.open(programs, domains, "control");
  const [found] = await meter.measure();
  for (const { compiled } of Object.values(programs)) compiled.destroy();
  return found!;
}
