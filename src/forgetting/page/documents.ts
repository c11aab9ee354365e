/**
 * The documents that shifted most, token by token.
 *
 * @module
 */
import type { ForgettingReport } from "../report/format.ts";
import { details, type Html, markup, table } from "../../report/html.ts";
import { fixed, signed } from "../../report/numbers.ts";
import { shiftText } from "./units.ts";

type DomainReport = ForgettingReport["domains"][number];
type Document = DomainReport["worst"][number];

/** A token under both models; its shift is what the tuned one has lost, in nats. */
interface Token {
  readonly piece: string;
  readonly base: number;
  readonly tuned: number;
  readonly shift: number;
}

/** Shifts in nats from which on a token is coloured, weakest first. */
const LEVELS = [0.02, 0.1, 0.3, 1];

/** Tokens that are named beside a document. */
const NAMED = 3;

/** What the colours mean. */
export function tokenKey(): Html {
  const sample = (shift: number) =>
    markup`<span class="${levelOf(shift)}">${signed(shift, 2)}</span>\n`;
  return markup`<p class="key">Colour: what a token has lost, in nats.
Forgotten, less likely than under the base: ${LEVELS.map((level) => sample(level))}
and more. More likely: ${LEVELS.map((level) => sample(-level))} and beyond.</p>`;
}

/** The documents of a domain. */
export function worstDocuments({ worst }: DomainReport): Html {
  return markup`<ol class="documents">${
    worst.map((document, i) => markup`<li>${worstDocument(document, i + 1)}</li>\n`)
  }</ol>`;
}

function worstDocument({ shift, tokens: numbers }: Document, number: number): Html {
  const tokens = numbers.map((token): Token => {
    const [piece, base, tuned] = token as [string, number, number];
    return { piece, base: -base, tuned: -tuned, shift: tuned - base };
  });
  const moved = [...tokens].sort((a, b) => b.shift - a.shift).slice(0, NAMED)
    .filter((token) => token.shift >= LEVELS[0]!);
  return markup`<h4>Document ${number}: ${shiftText("ppl", shift)} perplexity,
${signed(shift, 4)} nats a token</h4>
<p class="text" dir="auto">${tokens.map(tokenSpan)}</p>
${moved.length > 0 ? markup`<p class="note">Lost most: ${moved.map(movedToken)}</p>` : null}
${details(`All ${tokens.length} tokens of document ${number}`, tokenTable(tokens, number))}`;
}

function tokenSpan({ piece, base, tuned, shift }: Token): Html {
  const [spaces] = /^ */.exec(piece)!; // left out of the colour, so that it lies on the word
  const title = `${fixed(base, 3)} \u2192 ${fixed(tuned, 3)}`;
  const words = lines(piece.slice(spaces.length)) || "\u2423";
  return markup`${spaces}<span${levelAttribute(shift)} title="${title}">${words}</span>`;
}

const movedToken = ({ piece, base, tuned }: Token, index: number): Html =>
  markup`${index > 0 ? ", " : ""}<q dir="auto">${visible(piece)}</q> ${probability(base)} \u2192 ${
    probability(tuned)
  }`;

function tokenTable(tokens: readonly Token[], number: number): Html {
  return table(
    `Log-probabilities of document ${number}, in nats`,
    ["Token", "Base", "Tuned", "Shift"],
    tokens.map(({ piece, base, tuned, shift }) => [
      visible(piece),
      fixed(base, 3),
      fixed(tuned, 3),
      shift === 0 ? "0.000" : markup`<span${levelAttribute(shift)}>${signed(shift, 3)}</span>`,
    ]),
  );
}

function levelAttribute(shift: number): Html | null {
  const level = levelOf(shift);
  return level === "" ? null : markup` class="${level}"`;
}

/** `up1` to `up4` for what is forgotten, `down1` to `down4` for what is likelier than before. */
function levelOf(shift: number): string {
  const level = LEVELS.filter((least) => Math.abs(shift) >= least).length;
  return level === 0 ? "" : `${shift > 0 ? "up" : "down"}${level}`;
}

/** A line break shows as a mark too, so that its colour has something to stand on. */
const lines = (piece: string): string => piece.replaceAll("\n", "\u21b5\n");

/** A token alone, with its spaces and line breaks to be seen. */
const visible = (piece: string): string =>
  piece.replaceAll("\n", "\u21b5").replaceAll("\t", "\u21e5").replaceAll(" ", "\u2423");

/** A probability from its logarithm. */
function probability(logarithm: number): string {
  const percent = 100 * Math.exp(logarithm);
  return `${percent >= 99.95 ? "100" : percent.toPrecision(percent >= 10 ? 3 : 2)} %`;
}
