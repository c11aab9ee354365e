/**
 * The forgetting report on one screen of text.
 *
 * @module
 */
import { inUnit } from "../budget.ts";
import type { ForgettingReport, SliceReport, TaskReport } from "./format.ts";

/** Lines about what was allowed, what came of it and what that does not say. */
export function screen(report: ForgettingReport): string[] {
  const { slices, task, shipped, shadow_price: price, statement, not_covered: not } = report;
  const line = (name: string, text: string) => `${name.padEnd(12)}${text}`;
  return [
    ...slices.flatMap(({ name, metric, budget, control, certificate, probe, ...slice }) => {
      const title = slices.length > 1 ? name : "forgetting";
      const measured = certificate ?? control;
      const by = certificate
        ? `at most ${inUnit(metric, certificate.upper)}, ${certificate.documents} documents`
        : `${slice.documents.control} documents that steered`;
      const { base_perplexity: base, tuned_perplexity: tuned } = slice;
      return [
        line(title, `${inUnit(metric, measured.shift)} of ${budget} (${by})`),
        line("", `perplexity ${base.toFixed(3)} -> ${tuned.toFixed(3)} on the control text`),
        line(
          "",
          `same first choice as the base at ${percent(probe.top1_agreement)} of tokens; ` +
            `${probe.flips.lost} answers lost, ${probe.flips.won} won (p ${
              probe.flips.p.toPrecision(2)
            })`,
        ),
      ];
    }),
    ...(task ? [line("task", taskText(task))] : []),
    line("shipped", `step ${shipped.step} at strength ${shipped.strength}`),
    ...(price ? [line("price", priceText(price, slices))] : []),
    statement,
    not,
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const priceText = (price: readonly number[], slices: readonly SliceReport[]): string =>
  `a tenth more of the budget would buy about ${priceNats(price, slices)} nats of the task's loss`;

/**
 * What a tenth of each budget is worth in nats of the task's loss. The weights at the end are the
 * slope; a tenth is near enough for a slope to tell.
 */
export const priceNats = (price: readonly number[], slices: readonly SliceReport[]): string =>
  price.map((lambda, i) => (lambda * slices[i]!.epsilon / 10).toFixed(4)).join(", ");

const taskText = ({ base_loss: base, tuned_loss: tuned, rows, from }: TaskReport): string =>
  `loss ${base.toFixed(4)} -> ${tuned.toFixed(4)} on ${rows} rows of ${from}`;
