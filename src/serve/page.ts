/**
 * The page to chat in: what each model answers to the same turns, side by side.
 *
 * @module
 */
import { inScope, page } from "../http/page.ts";
import { markup } from "../report/html.ts";
import colours from "../report/colours.css" with { type: "text" };
import type { Served } from "./served.ts";
import script from "./page.js" with { type: "text" };
import style from "./page.css" with { type: "text" };

/** `GET /` */
export function chatPage({ names, chats, context }: Served): Response {
  return page({
    title: `Graft: ${names.join(", ")}`,
    styles: [colours, style],
    facts: { names, chats },
    scripts: [inScope(script)],
    body: markup`<header>
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
<p id="note" role="status"></p>`,
  });
}
