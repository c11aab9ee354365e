/**
 * The forgetting report on one screen of text.
 *
 * @module
 */
import { atMost, inUnit } from "../budget.ts";
import type { ForgettingReport, MetricReport, TaskReport } from "./format.ts";

/** Lines about what was allowed, what came of it and what that does not say. */
export function screen(report: ForgettingReport): string[] {
  const { domains, task, metric, chosen, marginal_gain: gain, statement, not_covered: not } =
    report;
  const line = (name: string, text: string) => `${name.padEnd(12)}${text}`;
  return [
    ...domains.flatMap(({ name, metric, budget, control, certificate, probe, ...slice }) => {
      const title = domains.length > 1 ? name : "forgetting";
      const measured = certificate ?? control;
      const by = certificate
        ? `at most ${atMost(metric, certificate.upper)}, ${certificate.documents} documents`
        : `${slice.documents.control} control documents`;
      const { base_perplexity: base, tuned_perplexity: tuned } = slice;
      return [
        line(title, `${inUnit(metric, measured.shift)} of ${budget} (${by})`),
        line("", `${inUnit(metric, measured.net)} with gains and losses together`),
        line("", `perplexity ${base.toFixed(3)} -> ${tuned.toFixed(3)} on the control text`),
        line(
          "",
          `same first choice as the base at ${percent(probe.top1_agreement)} of tokens; ` +
            `${probe.flips.lost} answers lost, ${probe.flips.won} won (p ${
              probe.flips.p.toPrecision(2)
            } over documents)`,
        ),
      ];
    }),
    ...(task ? [line("task", taskText(task))] : []),
    ...(metric ? [line("chosen by", metricText(metric))] : []),
    line("chosen", `step ${chosen.step} at strength ${chosen.strength}`),
    ...(gain === null ? [] : [line("gain", gainText(gain))]),
    statement,
    not,
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const gainText = (gain: number): string =>
  `a tenth more of the budget would buy about ${gain.toFixed(4)} nats of the task's loss`;

const metricText = ({ field, base, tuned }: MetricReport): string =>
  `${field} ${base.toFixed(4)} -> ${tuned.toFixed(4)}`;

const taskText = ({ base_loss: base, tuned_loss: tuned, rows, from }: TaskReport): string =>
  `loss ${base.toFixed(4)} -> ${tuned.toFixed(4)} on ${rows} rows of ${from}`;
