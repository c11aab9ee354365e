/**
 * A row token by token, in colour where stdout is a terminal.
 *
 * @module
 */
import { type Example, packedLength, type Run, runsOf, sideName, sidesOf } from "../../data/mod.ts";
import type { Tokenizer } from "../../io/tokenizer/tokenizer.ts";
import { visibleLine } from "../../io/visible.ts";
import { styled } from "./term.ts";

/** Codes of ANSI colours: dim, green, cyan, struck-out red. */
const COLOURS = { prompt: "2", learn: "32", special: "36", cut: "9;31" } as const;
type Kind = keyof typeof COLOURS;

/** Of a longer run the beginning and the end are shown. */
const SHOWN = { first: 120, last: 40 };

/** Tokens before one that decide whether a space stands before it. */
const CONTEXT = 4;

/** The most tokens of a row, and of both documents of a preference. */
export interface Limits {
  readonly limit: number;
  readonly both_limit: number;
}

/**
 * A heading, and one line a run of tokens that are all learned, all not, or all beyond the limit, with
 * `|` between tokens. A preference has a heading for each answer.
 */
export function exampleLines(example: Example, tokenizer: Tokenizer, limits: Limits): string[] {
  const { limit, both_limit: most } = limits;
  const { sides } = example;
  if (!sides) return documentLines(example, tokenizer, limit);
  const over = packedLength(example) - most;
  const many = over > 0 ? [`${example.origin}: all answers have ${over} tokens too many`] : [];
  return [
    ...many,
    ...sidesOf(example).flatMap((side, i) =>
      documentLines(side, tokenizer, limit, sideName(i, sides))
    ),
  ];
}

function documentLines(
  example: Example,
  tokenizer: Tokenizer,
  limit: number,
  side?: string,
): string[] {
  const { ids, origin, sourceLength } = example;
  const over = packedLength(example) - limit;
  const end = sourceLength === undefined ? limit : Infinity; // source and target are cut apart
  const lines = cutAt(runsOf(example), end).map((run) => {
    const kind = run.from >= end ? "cut" : run.supervised ? "learn" : "prompt";
    return `  ${paint(kind, kind.padEnd(6))}  ${runText(ids, run, kind, tokenizer)}`;
  });
  const many = over > 0 ? `, ${over} too many` : "";
  const which = side ? ` (${side})` : "";
  return [`${origin}${which}: ${ids.length} tokens${many}`, ...lines, ""];
}

/** What is beyond the limit is one run. */
function cutAt(runs: readonly Run[], limit: number): Run[] {
  const within = runs.filter(({ from }) => from < limit)
    .map((run) => ({ ...run, to: Math.min(run.to, limit) }));
  const length = runs.at(-1)?.to ?? 0;
  return length > limit ? [...within, { supervised: false, from: limit, to: length }] : within;
}

function runText(ids: Uint32Array, { from, to }: Run, kind: Kind, tokenizer: Tokenizer): string {
  const show = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => tokenText(ids, from + i, kind, tokenizer))
      .join(paint(kind, "|"));
  const hidden = to - from - SHOWN.first - SHOWN.last;
  if (hidden <= 0) return show(from, to);
  return `${show(from, from + SHOWN.first)} … ${hidden} tokens … ${show(to - SHOWN.last, to)}`;
}

/** What a token adds to the text: alone, many tokenizers drop its leading space. */
function tokenText(ids: Uint32Array, at: number, kind: Kind, tokenizer: Tokenizer): string {
  const before = [...ids.subarray(Math.max(0, at - CONTEXT), at)];
  const added = (skipSpecial: boolean) => {
    const decode = (ids: number[]) => tokenizer.decode(ids, { skipSpecial });
    const [shorter, longer] = [decode(before), decode([...before, ids[at]!])];
    return longer.startsWith(shorter) ? longer.slice(shorter.length) : decode([ids[at]!]);
  };
  const text = added(false);
  const isSpecial = text !== "" && added(true) === "";
  return paint(isSpecial && kind !== "cut" ? "special" : kind, visibleLine(text));
}

function paint(kind: Kind, text: string): string {
  if (!Deno.stdout.isTerminal() || Deno.noColor) return text;
  return styled(COLOURS[kind], text);
}
