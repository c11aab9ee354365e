/**
 * The passport of a run: what it learnt, from what, with which settings and on what, as the sections
 * of `report.html`.
 *
 * @module
 */
import project from "../../deno.json" with { type: "json" };
import { figure } from "../report/chart.ts";
import { details, type Html, markup, type Piece, table } from "../report/html.ts";
import { reportHtml, type Section } from "../report/shell.ts";
import type { Report, RunEnd, RunEvent, SampleText, StartEvent } from "./events.ts";
import { courseOf, type Line, timesIn } from "./course.ts";
import { duration } from "./lines.ts";
import { countText, totalOf } from "./panel.ts";

/** What is known of a run that is over. */
export interface Story {
  readonly start: StartEvent;
  readonly end: RunEnd;
  /** What a method says of it. */
  readonly report: Report | null;
  /** What it wrote last, and after how many updates. */
  readonly samples: { readonly step: number; readonly texts: readonly SampleText[] } | null;
  readonly seconds: number;
}

/** Follows a run; gives its story at the end, null where it was stopped. */
export function storyteller(): (event: RunEvent) => Story | null {
  let start: StartEvent | null = null;
  let report: Report | null = null;
  let samples: Story["samples"] = null;
  let began = performance.now();
  return (event) => {
    if (event.kind === "start") [start, began] = [event, performance.now()];
    else if (event.kind === "report") report = event.report;
    else if (event.kind === "sample") samples = { step: event.step, texts: event.samples };
    else if (event.kind === "end" && start && !event.result.stopped) {
      const seconds = (performance.now() - began) / 1000;
      return { start, end: event.result, report, samples, seconds };
    }
    return null;
  };
}

/** The page of a run: that of its report, with the passport after it. */
export function runPage(story: Story, metrics: readonly Line[], run: string): string {
  const sections = passport(story, metrics, run);
  if (story.report) {
    const texts = sections.map(([title, content]) => [title, markup`${content}`.text] as const);
    return story.report.page(metrics, run, texts);
  }
  const { start: { config, columns } } = story;
  const figures = courseOf(metrics, columns);
  const course: Section[] = figures.length > 0 ? [["During training", figures.map(figure)]] : [];
  return reportHtml({
    kind: "Run",
    run,
    lead: markup`<p class="statement">${config.model}: ${story.end.step} updates in ${
      duration(story.seconds)
    }, without a guard: what was forgotten was not measured.</p>`,
    sections: [...course, ...sections],
    charts: figures.map(({ chart }) => chart),
  });
}

function passport(story: Story, metrics: readonly Line[], run: string): Section[] {
  const { samples, start } = story;
  return [
    ["What was learnt", learnt(story, metrics)],
    ...(samples ? [["Samples", sampleTable(samples)] as const] : []),
    ["What it learnt from", mixture(start)],
    ["Memory", memory(start)],
    ...(timesIn(metrics).length > 0
      ? [["Where the time went", times(story, metrics)] as const]
      : []),
    ["Settings", settings(start)],
    ["Made with", versions(story, run)],
  ];
}

/** Figures before and after. */
function learnt({ end }: Story, metrics: readonly Line[]): Html {
  const [first, last] = [metrics[0], metrics.at(-1)];
  const rows = Object.entries({ loss: last?.["loss"], ...end.measured })
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => [name, number(first?.[name]), number(value)]);
  return table("Before the first update and at the end", ["figure", "before", "after"], rows);
}

const number = (value: number | null | undefined): string =>
  typeof value === "number" ? String(Number(value.toPrecision(5))) : "";

function sampleTable({ step, texts }: NonNullable<Story["samples"]>): Html {
  return table(
    `What it wrote after ${step} updates`,
    ["prompt", "answer"],
    texts.map(({ prompt, text }) => [prompt, text]),
    "words",
  );
}

/** Sources with their parts of what is learnt, and the hashes of rows and base. */
function mixture({ facts, config }: StartEvent): Piece {
  const { sources, hashes } = facts;
  const total = sources.reduce((sum, { supervised }) => sum + (supervised ?? 0), 0);
  const hasLicence = sources.some(({ licence }) => licence !== null);
  const rows = sources.map(({ path, licence, rows, tokens, supervised, share }) => [
    path,
    ...(hasLicence ? [licence ?? ""] : []),
    rows,
    tokens ?? "",
    supervised ?? "",
    percent(share ?? (supervised === null ? null : supervised / total)),
  ]);
  return [
    table("Rows", [
      "source",
      ...(hasLicence ? ["licence"] : []),
      ...["rows", "tokens", "learnt", "part of what is learnt"],
    ], rows),
    markup`<p class="note">SHA-256 of all rows as they were read: <code>${hashes.rows}</code>;
of the base ${config.model}: <code>${hashes.base}</code></p>`,
  ];
}

const percent = (share: number | null): string =>
  share === null || !Number.isFinite(share) ? "" : `${(100 * share).toPrecision(3)} %`;

/** What parts of an update took, of the seconds of the whole run. */
function times({ seconds }: Story, metrics: readonly Line[]): Html {
  const parts = timesIn(metrics);
  const rest = seconds - parts.reduce((sum, [, took]) => sum + took, 0);
  const rows = [...parts, ["all else", Math.max(0, rest)] as const]
    .map(([name, took]) => [name, duration(took), percent(took / seconds)]);
  return table(`${duration(seconds)} from the first update on`, ["for", "time", "part"], rows);
}

/** Bars by what it is for. */
function memory({ memory }: StartEvent): Html {
  const total = totalOf(memory);
  const rows = Object.entries(memory).filter(([, bytes]) => bytes > 0).map(([name, bytes]) => [
    name,
    mib(bytes),
    markup`<meter min="0" max="${total}" value="${bytes}" title="${percent(bytes / total)}">${
      percent(bytes / total)
    }</meter>`,
  ]);
  return table(`${mib(total)} on the device, as planned`, ["for", "size", "part"], rows);
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Every value with its origin; what somebody chose comes first. */
function settings({ config, origin }: StartEvent): Piece {
  const valueOf = (key: string) =>
    key.split(".").reduce<unknown>(
      (value, name) => (value as Record<string, unknown> | undefined)?.[name],
      config,
    );
  const rows = Object.entries(origin).filter(([key]) => valueOf(key) !== undefined)
    .map(([key, from]) => [key, JSON.stringify(valueOf(key)), from]);
  const chosen = rows.filter(([, , from]) => from !== "default");
  const columns = ["key", "value", "from"];
  return [
    table("What was chosen", columns, chosen, "words"),
    details("Every setting, defaults too", table("All settings", columns, rows, "words")),
  ];
}

function versions({ start, seconds }: Story, run: string): Piece {
  const { device, facts: { model, trained } } = start;
  const rows = [
    ["Graft", project.version],
    ["Deno", Deno.version.deno],
    ["device", `${device.adapter}${device.software ? " (software)" : ""}`],
    ["model", `${model.family}, ${countText(model.parameters)} parameters`],
    ["trained", `${countText(trained)} numbers`],
    ["time", duration(seconds)],
  ];
  return [
    table("Versions and machine", ["what", "which"], rows, "words"),
    markup`<p>The same run again: <code>deno task runs rerun ${run}</code></p>`,
  ];
}
