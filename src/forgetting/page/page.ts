/**
 * `report.html`: the forgetting report as one page that opens from the disk, with nothing to load.
 *
 * @module
 */
import type { ForgettingReport } from "../report/format.ts";
import { type Figure, figure } from "../../report/chart.ts";
import { curves, type MetricsLine } from "./curves.ts";
import { tokenKey, worstDocuments } from "./documents.ts";
import { answers } from "./answers.ts";
import { cost, retention, trials } from "./evidence.ts";
import { figures } from "./figures.ts";
import { details, Html, markup, type Piece } from "../../report/html.ts";
import { reportHtml, type Section } from "../../report/shell.ts";
import { historyTable, pointsTable, tradeoff } from "./tradeoff.ts";

export type { MetricsLine };

/**
 * The page of a report.
 *
 * @param metrics the lines of the run's `metrics.jsonl`; none for an adapter from elsewhere.
 * @param run the name of the run, for the title.
 * @param more sections after those of the report, as HTML.
 */
export function reportPage(
  report: ForgettingReport,
  metrics: readonly MetricsLine[],
  run: string,
  more: readonly (readonly [title: string, html: string])[] = [],
): string {
  const steps = curves(report, metrics);
  const picture = tradeoff(report);
  const sections: Section[] = [
    ["In numbers", figures(report)],
    ["During training", stepCharts(report, steps)],
    ["The trade-off", [
      ...picture.map(figure),
      details("The strengths tried, as a table", pointsTable(report)),
    ]],
    ...(report.tasks ? [["Answers", answers(report.tasks)] as [string, Piece]] : []),
    ["The certificate", trials(report)],
    ["The documents that shifted most", documents(report)],
    ["What is not covered", markup`<p>${report.not_covered}</p>`],
    ["Text", retention(report)],
    ["Cost", cost(report)],
    ...more.map(([title, html]): Section => [title, new Html(html)]),
  ];
  return reportHtml({
    kind: "Forgetting report",
    run,
    lead: statement(report),
    sections,
    charts: [...steps, ...picture].map(({ chart }) => chart),
  });
}

/** The statement, its verdict marked. */
function statement({ statement, certified }: ForgettingReport): Html {
  const [verdict, rest] = split(statement, ": ");
  return markup`<p class="statement ${certified ? "certified" : "uncertified"}"><strong>${
    certified ? "\u2713" : "\u2717"
  } ${verdict}</strong>: ${rest}</p>`;
}

function split(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + at.length)];
}

function stepCharts(report: ForgettingReport, charts: readonly Figure[]): Html {
  if (charts.length === 0) {
    return markup`<p>The adapter was not trained here, so nothing is known of its steps.</p>`;
  }
  return markup`<div class="charts">${charts.map(figure)}</div>
${details("The measurements, as a table", historyTable(report))}`;
}

function documents({ domains, chosen }: ForgettingReport): Piece {
  if (chosen.strength === 0) return markup`<p>None: the result is the base itself.</p>`;
  return [
    markup`<p>Of the probe text, which nothing was chosen by. Point at a token for its
log-probabilities, or open the table under a document.</p>`,
    tokenKey(),
    ...domains.map((slice) => [
      domains.length > 1 ? markup`<h3>${slice.name}</h3>` : null,
      worstDocuments(slice),
    ]),
  ];
}
