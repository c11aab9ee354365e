/**
 * The few numbers that a person wants first.
 *
 * @module
 */
import type { ForgettingReport, TaskReport } from "../report/format.ts";
import { type Html, markup } from "../../report/html.ts";
import { chance, fixed, percent, whole } from "../../report/numbers.ts";
import { boundText, shiftText, strengthText } from "./units.ts";

type DomainReport = ForgettingReport["domains"][number];

/** A number with its name and what it was measured on. */
type Figure = readonly [name: string, value: string, note: string];

const ARROW = " \u2192 ";

/** Figures of a run with one domain together; of several, each domain under its name. */
export function figures(report: ForgettingReport): Html {
  const { domains } = report;
  const [only, second] = domains;
  if (only && !second) return list([...domainFigures(only), ...runFigures(report)]);
  const named = domains.map((slice) =>
    markup`<h3>${slice.name}</h3>\n${list(domainFigures(slice))}`
  );
  return markup`${named}<h3>The run</h3>\n${list(runFigures(report))}`;
}

function list(figures: readonly Figure[]): Html {
  const items = figures.map(([name, value, note]) =>
    markup`<div><dt>${name}</dt><dd><strong>${value}</strong> <span>${note}</span></dd></div>\n`
  );
  return markup`<dl class="figures">\n${items}</dl>\n`;
}

function domainFigures(slice: DomainReport): Figure[] {
  const { metric, budget, epsilon, certificate, control, probe, documents } = slice;
  const what = metric === "ppl" ? "perplexity" : "nats a token of divergence from the base";
  const forgets: Figure = certificate
    ? [
      "Forgets at most",
      boundText(metric, certificate.upper),
      `${what}, where a document counts at most ${certificate.limit} nats; measured ${
        shiftText(metric, certificate.shift)
      } on ${whole(certificate.documents)} documents`,
    ]
    : [
      "Forgets, without a bound",
      shiftText(metric, control.shift),
      `${what}, on the ${whole(documents.control)} control documents`,
    ];
  return [
    forgets,
    ["Budget", shiftText(metric, epsilon), `${budget}, ${fixed(epsilon, 4)} nats a token`],
    [
      "Perplexity",
      `${fixed(slice.base_perplexity, 3)}${ARROW}${fixed(slice.tuned_perplexity, 3)}`,
      `base${ARROW}tuned, on the control text`,
    ],
    [
      "Same first choice as the base",
      percent(probe.top1_agreement),
      `of ${whole(probe.tokens)} tokens of the probe text; divergence ${
        fixed(probe.kl, 4)
      } nats a token`,
    ],
    [
      "Answers of the base",
      `${whole(probe.flips.lost)} lost, ${whole(probe.flips.won)} won`,
      `first choices that were right and are wrong now, and the other way round (p ${
        chance(probe.flips.p)
      })`,
    ],
  ];
}

function runFigures({ task, metric, chosen, marginal_gain: gain }: ForgettingReport): Figure[] {
  const figures: Figure[] = [...(task ? taskFigures(task) : [])];
  if (metric) {
    const { field, better, base, tuned } = metric;
    const note = `${field}, base${ARROW}tuned, by which moments were compared: ${better} is better`;
    figures.push(["Chosen by", `${fixed(base, 4)}${ARROW}${fixed(tuned, 4)}`, note]);
  }
  figures.push([
    "Strength chosen",
    strengthText(chosen.strength),
    chosen.strength > 0
      ? `of the adapter at step ${chosen.step}`
      : "the base itself: no strength of the adapter is certified",
  ]);
  if (gain !== null) {
    figures.push([
      "Marginal gain",
      fixed(gain, 4),
      "nats of task loss that a tenth more of the budget would buy",
    ]);
  }
  return figures;
}

function taskFigures(task: TaskReport): Figure[] {
  return [
    [
      "Task loss",
      `${fixed(task.base_loss, 4)}${ARROW}${fixed(task.tuned_loss, 4)}`,
      `${task.unit}, base${ARROW}tuned, on ${whole(task.rows)} rows of ${task.from}`,
    ],
    [
      "Answers of the task",
      `${whole(task.flips.won)} won, ${whole(task.flips.lost)} lost`,
      `first choices of ${whole(task.tokens)} tokens (p ${chance(task.flips.p)}); ${
        percent(task.top1_agreement)
      } as the base's, divergence ${fixed(task.kl, 4)} nats a token`,
    ],
  ];
}
