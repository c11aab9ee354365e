/**
 * The page of runs: a list, and the curves, settings and samples of those that are chosen.
 *
 * @module
 */
import * as uplot from "../deps/uplot.ts";
import { inScope, page } from "../http/page.ts";
import { markup } from "../report/html.ts";
import colours from "../report/colours.css" with { type: "text" };
import charts from "./charts.js" with { type: "text" };
import script from "./page.js" with { type: "text" };
import style from "./page.css" with { type: "text" };

/** `GET /` */
export function runsPage(path: string): Response {
  return page({
    title: "Graft: runs",
    styles: [uplot.style, colours, style],
    facts: { path },
    scripts: [
      `/*\n${uplot.licence}*/\n${uplot.script}`,
      inScope(charts),
      inScope(script),
    ],
    body: markup`<header>
  <h1>Runs</h1>
  <p id="status" role="status">Reading ${path}</p>
</header>
<main>
  <section aria-label="All runs" class="scroll" tabindex="0">
    <table id="runs"><caption>All runs, the newest first; those that are ticked are shown</caption>
      <thead><tr><th scope="col"><span class="hidden">shown</span></th><th scope="col">Run</th>
        <th scope="col">Status</th><th scope="col">Updates</th><th scope="col">Loss</th>
        <th scope="col">Began</th><th scope="col">Model</th></tr></thead>
      <tbody></tbody></table>
  </section>
  <section id="charts" aria-label="Curves"></section>
  <section id="compared" aria-label="Settings and figures" class="scroll" tabindex="0"></section>
  <section id="samples" aria-label="Samples"></section>
</main>`,
  });
}
