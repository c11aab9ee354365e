/**
 * `report.html`: the forgetting report as one page that opens from the disk, with nothing to load.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as uplot from "../../deps/uplot.ts";
import type { ForgettingReport } from "../report/format.ts";
import { drawable, type Figure, figure } from "../../report/chart.ts";
import { curves, type MetricsLine } from "./curves.ts";
import { tokenKey, worstDocuments } from "./documents.ts";
import { answers } from "./answers.ts";
import { cost, retention, trials } from "./evidence.ts";
import { figures } from "./figures.ts";
import { details, Html, jsonScript, markup, type Piece } from "../../report/html.ts";
import colours from "../../report/colours.css" with { type: "text" };
import media from "../../report/media.css" with { type: "text" };
import parts from "../../report/parts.css" with { type: "text" };
import plots from "../../report/plots.js" with { type: "text" };
import style from "../../report/style.css" with { type: "text" };
import { pointsTable, traceTable, tradeoff } from "./tradeoff.ts";

export type { MetricsLine };

const SCRIPT = `/*\n${uplot.licence}*/\n${uplot.script}\n${plots}`;

/** Only this script runs, and nothing is loaded, whatever the report's text holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" +
  `${createHash("sha256").update(SCRIPT).digest("base64")}'`;

/**
 * The page of a report.
 *
 * @param metrics the lines of the run's `metrics.jsonl`; none for an adapter from elsewhere.
 * @param run the name of the run, for the title.
 */
export function reportPage(
  report: ForgettingReport,
  metrics: readonly MetricsLine[],
  run: string,
): string {
  const steps = curves(report, metrics);
  const picture = tradeoff(report);
  const charts = [...steps, ...picture].map(({ chart }) => drawable(chart));
  const sections: [string, Piece][] = [
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
  ];
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Forgetting report: ${run}</title>
<style>${new Html([uplot.style, colours, style, parts, media].join("\n"))}</style>
</head>
<body>
<header>
<p class="run">Forgetting report</p>
<h1>${run}</h1>
${statement(report)}
</header>
<main>
${sections.map(([title, content]) => markup`<section><h2>${title}</h2>\n${content}</section>\n`)}
</main>
<script type="application/json" id="charts">${jsonScript(charts)}</script>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`.text;
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
${details("The measurements, as a table", traceTable(report))}`;
}

function documents({ slices, shipped }: ForgettingReport): Piece {
  if (shipped.strength === 0) return markup`<p>None: the result is the base itself.</p>`;
  return [
    markup`<p>Of the probe text, which nothing was chosen by. Point at a token for its
log-probabilities, or open the table under a document.</p>`,
    tokenKey(),
    ...slices.map((slice) => [
      slices.length > 1 ? markup`<h3>${slice.name}</h3>` : null,
      worstDocuments(slice),
    ]),
  ];
}
