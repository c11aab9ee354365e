import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type DefaultTreeAdapterTypes as Tree, parse } from "parse5";
import type { ForgettingReport } from "../../src/forgetting/report/format.ts";
import { type MetricsLine, reportPage } from "../../src/forgetting/page/page.ts";
import type { Chart } from "../../src/report/chart.ts";
import { sampleMetrics, sampleReport, uncertifiedReport } from "./sample_report.ts";

const HOSTILE = `</script><script>alert("x")</script><!--<b a='1' onclick="x">&amp;\0\u202e`;
const SLICES = ["stories", "code", HOSTILE];

/** A page as a browser reads it. */
class Page {
  readonly faults: string[] = [];
  readonly elements: Tree.Element[];

  constructor(report: ForgettingReport, metrics: readonly MetricsLine[] = [], run = "mine") {
    const document = parse(reportPage(report, metrics, run), {
      onParseError: ({ code }) => this.faults.push(code),
    });
    this.elements = document.childNodes.flatMap(elementsOf);
  }

  all(tag: string): Tree.Element[] {
    return this.elements.filter(({ tagName }) => tagName === tag);
  }

  /** What is to be read, white space in one. */
  get text(): string {
    return words(textOf(this.all("body")[0]!, ["script"]));
  }

  get charts(): Chart[] {
    return JSON.parse(textOf(this.all("script")[0]!));
  }
}

function elementsOf(node: Tree.ChildNode): Tree.Element[] {
  return "tagName" in node ? [node, ...node.childNodes.flatMap(elementsOf)] : [];
}

function textOf(node: Tree.ChildNode, without: readonly string[] = []): string {
  if ("value" in node) return node.value;
  if (!("tagName" in node) || without.includes(node.tagName)) return "";
  return node.childNodes.map((child) => textOf(child, without)).join("");
}

const words = (text: string): string => text.replace(/\s+/g, " ");

const attribute = ({ attrs }: Tree.Element, name: string): string | undefined =>
  attrs.find((attr) => attr.name === name)?.value;

Deno.test("reportPage() says what the report knows", () => {
  const { text } = new Page(sampleReport(), sampleMetrics());
  const numbers = [
    ...["✓ Certified: forgets at most +1.8 % within the budget ppl:2%.", "+1.8 %", "ppl:2%"],
    ...["4.9871 → 1.0871", "128 rows of eval.data", "1.555 → 1.574", "95.5 %", "4,341 tokens"],
    ...["49 lost, 42 won", "p 0.53", "501 won, 14 lost", "p < 0.001", "4.3681", "27.6 %", "0.0152"],
    ...["0.81", "at step 200", "0.0934", "measured +1.6 % on 133 documents"],
    ...["Forgets at most+1.9 %", "where a document counts at most 3.4 nats"],
    "holds at 96.66 %, and at 95 % for all attempts on these documents together",
    ...["171", "64", "32", "409,600", "102,400", "25.0 %", "6.4 min", "3 roll-backs"],
    ...["samples of the base model", "ce".repeat(32), "Only the mean over documents"],
    ...["98.0 % → 21.9 %", "−0.020", "−1.520", "+1.500", "−1.125", "+0.0441 nats a token"],
  ];
  assert.deepEqual(numbers.filter((number) => !text.includes(number)), []);
});

Deno.test("reportPage() shows every trial, measurement and strength in a table", () => {
  const page = new Page(sampleReport());
  const tables = page.all("table").map((table) => {
    const inside = elementsOf(table);
    const caption = inside.find(({ tagName }) => tagName === "caption");
    const rows = inside.filter(({ tagName }) => tagName === "tr").slice(1)
      .map(({ childNodes }) => childNodes.map((cell) => textOf(cell)).filter((cell) => cell));
    return [textOf(caption!), rows] as const;
  });
  const { "Trials of the certificate": trials, ...others } = Object.fromEntries(tables);
  assert.deepEqual(trials, [
    ["0.45", "+0.41 %", "0.13 %", "+0.52 %", "+2.0 %", "133", "✓ kept"],
    ["0.81 chosen", "+1.6 %", "0.13 %", "+1.9 %", "+2.0 %", "133", "✓ kept"],
    ["0.9", "+2.1 %", "0.13 %", "+2.4 %", "+2.0 %", "133", "✗ not shown"],
  ]);
  assert.deepEqual(others["Measurements during the run"], [
    ["0", "4.9871", "+0.00 %", "4.718"],
    ["10", "2.2428", "+12.7 %", "4.718"],
    ["200", "1.0255", "+2.3 %", "4.718"],
  ]);
  assert.deepEqual(others["Strengths that were tried on the control text"], [
    ["200", "1", "+2.3 %", "over budget, not measured"],
    ["200", "0.9", "+1.6 %", "1.0464"],
  ]);
  assert.deepEqual(others["Log-probabilities of document 2, in nats"], [
    ["␣upon↵", "−2.250", "−1.125", "−1.125"],
    ["␣a", "−0.100", "−0.105", "+0.005"],
  ]);
});

Deno.test("reportPage() draws the curves and the trade-off", () => {
  const { charts } = new Page(sampleReport(), sampleMetrics());
  const [task, forgetting, weight, tradeoff] = charts;
  assert.equal(charts.length, 4);
  const points = (chart: Chart | undefined, name: string) =>
    chart!.series.find((series) => series.name === name)!.points.map(([x, y]) => [x, y]);
  assert.deepEqual(points(task, "eval.data"), [[0, 4.9871], [10, 2.2428], [200, 1.0255]]);
  assert.equal(points(task, "training rows").length, 2, "without what was not finite");
  assert.deepEqual(points(weight, "λ"), [[0, 1], [100, 101], [199, 200]]);
  const [[x, y] = []] = points(tradeoff, "chosen");
  assert.ok(Math.abs(x! - 100 * Math.expm1(0.0118)) < 1e-9);
  assert.equal(y, 1.0871);
  for (const { limits } of [forgetting!, tradeoff!]) {
    assert.deepEqual(limits.map(({ label }) => label), ["budget ppl:2%"]);
    assert.ok(Math.abs(limits[0]!.at - 2) < 1e-9, "in the budget's unit");
  }
  for (const { x, y, limits } of charts) {
    for (const { axis, at } of limits) {
      const [low, high] = axis === "x" ? x.range : y.range;
      assert.ok(low <= at && at <= high, "a budget is inside its chart");
    }
  }
});

Deno.test("reportPage() escapes whatever comes from data", () => {
  const report = sampleReport({ names: SLICES, piece: HOSTILE, text: [HOSTILE] });
  const page = new Page(
    { ...report, statement: `Certified: ${HOSTILE}`, budget: HOSTILE, not_covered: HOSTILE },
    sampleMetrics(SLICES),
    HOSTILE,
  );
  assert.deepEqual(page.faults, []);
  assert.equal(page.all("script").length, 2);
  assert.deepEqual(page.elements.filter((element) => attribute(element, "onclick")), []);
  const shown = HOSTILE.replace("\0", "␀");
  assert.equal(textOf(page.all("h1")[0]!), shown);
  assert.ok(page.all("h3").some((heading) => textOf(heading) === shown));
  assert.ok(page.all("span").some((token) => textOf(token) === shown));
  assert.ok(page.charts.some(({ series }) => series.some(({ name }) => name === HOSTILE)));
});

Deno.test("reportPage() is well-formed and labelled, with one slice, several, and no run", () => {
  const pages = [
    new Page(sampleReport(), sampleMetrics()),
    new Page(sampleReport({ names: SLICES }), sampleMetrics(SLICES)),
    new Page(uncertifiedReport()),
  ];
  for (const page of pages) {
    assert.deepEqual(page.faults, []);
    const ids = page.elements.flatMap((element) => attribute(element, "id") ?? []);
    assert.equal(new Set(ids).size, ids.length);
    const plots = page.all("div").filter((element) => attribute(element, "role") === "img");
    assert.deepEqual(plots.map((plot) => attribute(plot, "id")), page.charts.map(({ id }) => id));
    for (const plot of plots) assert.doesNotMatch(attribute(plot, "aria-label")!, /NaN|undefined/);
    assert.equal(page.all("caption").length, page.all("table").length);
    assert.doesNotMatch(page.text, /NaN|Infinity|undefined|null|\[object/);
  }
});

Deno.test("reportPage() keeps domains apart, each in the unit of its budget", () => {
  const report = sampleReport({ names: ["stories", "code"] });
  const [stories, code] = report.domains;
  const kl = { ...code!, metric: "kl" as const, budget: "kl[code]:0.02", epsilon: 0.02 };
  const page = new Page({ ...report, domains: [stories!, kl] }, sampleMetrics(["stories", "code"]));
  const ids = page.charts.map(({ id }) => id);
  assert.deepEqual(ids, [
    "chart-task",
    "chart-forgetting-ppl",
    "chart-forgetting-kl",
    "chart-weight",
    "chart-tradeoff",
  ]);
  const [, ppl, divergence, weight, tradeoff] = page.charts;
  assert.deepEqual(ppl!.series.map(({ name }) => name), ["stories", "chosen"]);
  assert.deepEqual(divergence!.limits.map(({ at }) => at), [0.02]);
  assert.deepEqual(weight!.series.map(({ name }) => name), ["stories", "code"]);
  assert.equal(tradeoff!.limits[0]!.at, 100, "percent of the budget");
  assert.match(page.text, /0\.0180 nats a token of divergence/);
});

Deno.test("reportPage() makes no claim where only the base is certain, and needs no history", () => {
  const page = new Page(uncertifiedReport());
  assert.match(page.text, /✗ Not certified: 1 documents do not prove it: needs about 812 more/);
  assert.match(page.text, /Forgets, without a bound/);
  assert.match(page.text, /needs about 812 more documents/);
  assert.match(page.text, /unknownnone\+2\.0 %1/, "no error and no bound of one document");
  assert.match(page.text, /was not trained here/);
  assert.match(page.text, /None: the result is the base itself/);
  assert.doesNotMatch(page.text, /✓|Forgets at most|Marginal gain/);
  assert.deepEqual(page.charts.map(({ id }) => id), ["chart-tradeoff"]);
});

Deno.test("reportPage() loads nothing and lets only its own script run", () => {
  const page = new Page(sampleReport(), sampleMetrics());
  for (const element of page.elements) {
    assert.equal(attribute(element, "src") ?? attribute(element, "href"), undefined);
  }
  const policy = page.all("meta").find((meta) => attribute(meta, "http-equiv"))!;
  const script = textOf(page.all("script")[1]!);
  const hash = createHash("sha256").update(script).digest("base64");
  assert.equal(
    attribute(policy, "content"),
    `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`,
  );
  assert.doesNotMatch(page.all("style").map((style) => textOf(style)).join(""), /url\(|@import/);
  assert.match(script, /Permission is hereby granted/, "with the licence of what it holds");
});
