/**
 * The page to chat in: what each model answers to the same turns, side by side.
 *
 * @module
 */
import { Html, jsonScript, markup } from "../report/html.ts";
import type { Served } from "./served.ts";
import script from "./page.js" with { type: "text" };
import style from "./page.css" with { type: "text" };

/** `GET /`. Nothing is loaded from elsewhere, and nothing else on the page may run. */
export function chatPage({ names, chats, context }: Served): Response {
  const nonce = crypto.randomUUID();
  const facts = { names, chats, context };
  const page = markup`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Graft: ${names.join(", ")}</title>
<style nonce="${nonce}">${new Html(style)}</style>
<header>
  <h1>Graft</h1>
  <fieldset id="models"><legend>Who answers</legend></fieldset>
  <label>Temperature <input id="temperature" type="number" min="0" max="2" step="0.1" value="0"></label>
  <label>Most tokens <input id="most" type="number" min="1" max="${context}" value="256"></label>
  <button id="reset" type="button">New conversation</button>
</header>
<main id="columns"></main>
<form id="form">
  <label for="turn">Your turn</label>
  <textarea id="turn" rows="2" required></textarea>
  <button id="send">Send</button>
  <button id="stop" type="button" disabled>Stop</button>
</form>
<p id="note" role="status"></p>
<script nonce="${nonce}" type="application/json" id="facts">${jsonScript(facts)}</script>
<script nonce="${nonce}" type="module">${new Html(script)}</script>
</html>
`;
  return new Response(page.text, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; ` +
        `script-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; ` +
        "form-action 'none'; frame-ancestors 'none'",
    },
  });
}
