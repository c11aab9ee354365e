/**
 * A report as one page that opens from the disk, with nothing to load.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as uplot from "../deps/uplot.ts";
import { type Chart, drawable } from "./chart.ts";
import { Html, jsonScript, markup, type Piece } from "./html.ts";
import colours from "./colours.css" with { type: "text" };
import media from "./media.css" with { type: "text" };
import parts from "./parts.css" with { type: "text" };
import plots from "./plots.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

const SCRIPT = `/*\n${uplot.licence}*/\n${uplot.script}\n${plots}`;

/** Only this script runs, and nothing is loaded, whatever the report's text holds. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" +
  `${createHash("sha256").update(SCRIPT).digest("base64")}'`;

/** A part of a page under its title. */
export type Section = readonly [title: string, content: Piece];

/** What a page holds. */
export interface Shell {
  /** What kind of report it is. */
  readonly kind: string;
  /** The name of the run. */
  readonly run: string;
  /** What comes first. */
  readonly lead: Piece;
  readonly sections: readonly Section[];
  /** Those that sections have figures of. */
  readonly charts: readonly Chart[];
}

/** The text of the page. */
export function reportHtml({ kind, run, lead, sections, charts }: Shell): string {
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${kind}: ${run}</title>
<style>${new Html([uplot.style, colours, style, parts, media].join("\n"))}</style>
</head>
<body>
<header>
<p class="run">${kind}</p>
<h1>${run}</h1>
${lead}
</header>
<main>
${sections.map(([title, content]) => markup`<section><h2>${title}</h2>\n${content}</section>\n`)}
</main>
<script type="application/json" id="charts">${jsonScript(charts.map(drawable))}</script>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`.text;
}
