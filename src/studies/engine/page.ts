/**
 * The page of a study: its tables and pictures, with nothing to load.
 *
 * @module
 */
import colours from "../../report/colours.css" with { type: "text" };
import { Html, markup, table } from "../../report/html.ts";
import media from "../../report/media.css" with { type: "text" };
import parts from "../../report/parts.css" with { type: "text" };
import style from "../../report/style.css" with { type: "text" };
import { svgOf } from "./picture.ts";
import type { Findings } from "./study.ts";

/** Nothing runs and nothing is loaded. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** The whole page. */
export function pageOf(
  { name, summary }: { readonly name: string; readonly summary: string },
  { tables, pictures }: Findings,
): string {
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Study: ${name}</title>
<style>${new Html([colours, style, parts, media].join("\n"))}</style>
</head>
<body>
<header>
<p class="run">Study</p>
<h1>${name}</h1>
<p>${summary}</p>
</header>
<main>
${
    pictures.map((picture) =>
      markup`<figure>
<figcaption>${picture.title}</figcaption>
${new Html(svgOf(picture))}</figure>
`
    )
  }
${
    tables.map(({ title, note, head, rows }) =>
      markup`<section><h2>${title}</h2>
${table(title, head, rows)}
${note === undefined ? null : markup`<p class="note">${note}</p>`}</section>
`
    )
  }
</main>
</body>
</html>
`.text;
}
