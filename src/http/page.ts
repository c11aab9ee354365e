/**
 * A page that loads nothing from elsewhere, and on which nothing but its own script may run.
 *
 * @module
 */
import { Html, jsonScript, markup } from "../report/html.ts";
import shared from "./page.js" with { type: "text" };

/** What a page is made of. */
export interface PageParts {
  readonly title: string;
  readonly styles: readonly string[];
  readonly body: Html;
  /** What the script finds as the JSON of the element `facts`. */
  readonly facts: unknown;
  /** After what pages share, `globalThis.pages`. */
  readonly scripts: readonly string[];
}

/** The response of a page. */
export function page({ title, styles, body, facts, scripts }: PageParts): Response {
  const nonce = crypto.randomUUID();
  const text = markup`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style nonce="${nonce}">${styles.map((style) => new Html(style))}</style>
${body}
<script nonce="${nonce}" type="application/json" id="facts">${jsonScript(facts)}</script>
${
    [inScope(shared), ...scripts].map((script) =>
      markup`<script nonce="${nonce}">${new Html(script)}</script>\n`
    )
  }
</html>
`.text;
  return new Response(text, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; ` +
        `script-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; ` +
        "form-action 'none'; frame-ancestors 'none'",
    },
  });
}

/** A script whose names are its own. */
export const inScope = (script: string): string => `(() => {\n${script}\n})();`;
