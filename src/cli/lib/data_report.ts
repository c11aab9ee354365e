/**
 * The diversity of rows, as lines for people.
 *
 * @module
 */
import type { Count, Diversity, PairReport } from "../../curate/mod.ts";

const BAR = 40;
const WIDTH = 70;

/** The lines. */
export function diversityLines(report: Diversity): string[] {
  const { rows, files, instructions, distinct, nearest_rouge_l: bins } = report;
  const { sample, nearest_sample } = report;
  const whole = sample === rows;
  const most = Math.max(...bins);
  return [
    `rows            ${rows}${files.length > 1 ? ` from ${files.length} files` : ""}`,
    ...(files.length > 1 ? files.slice(0, 10).map(fileLine) : []),
    ...(whole ? [] : [`sample          ${sample} rows, of which all that follows is`]),
    ...(instructions === 0 ? [] : [
      `instructions    ${instructions} different; the commonest:`,
      ...report.top_instructions.slice(0, 5).map(countLine),
      `verb and object ${report.verb_objects} different, none found in ${report.without_verb} rows`,
      ...report.top_verb_objects.slice(0, 10).map(countLine),
    ]),
    `distinct-n      ${distinct.map((share, i) => `${i + 1}: ${share.toFixed(3)}`).join("  ")}`,
    `nearest prompt  ROUGE-L of ${nearest_sample} rows with the nearest of ${
      whole ? "all" : sample
    }`,
    ...bins.map((count, i) => {
      const bar = "█".repeat(Math.round(BAR * count / most));
      return `  ${(i / 10).toFixed(1)}-${((i + 1) / 10).toFixed(1)}  ${
        `${count}`.padStart(5)
      }  ${bar}`
        .trimEnd();
    }),
  ];
}

/** What rows of several answers say of them, as lines. */
export function pairLines(report: PairReport): string[] {
  const { rows, comparisons, ties, prompts, repeated, reversed } = report;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const { better_longer, better_shorter, words_better, words_worse } = report;
  return [
    `comparisons     ${comparisons} in ${rows} rows of ${prompts} prompts, ${ties} ties beside them`,
    `                ${repeated} repeat another, ${reversed} are there the other way round too`,
    `length          the better answer is longer in ${percent(better_longer)}, shorter in ` +
    `${percent(better_shorter)};`,
    `                ${words_better.toFixed(1)} words on average, the worse ${
      words_worse.toFixed(1)
    }`,
  ];
}

/** The end of a path says more than its beginning. */
function fileLine([path, count]: Count): string {
  return countLine([path.length > WIDTH ? `…${path.slice(1 - WIDTH)}` : path, count]);
}

function countLine([what, count]: Count): string {
  const line = what.replaceAll("\n", "\\n");
  return `  ${`${count}`.padStart(6)}  ${
    line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line
  }`;
}
