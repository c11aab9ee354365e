/**
 * What base and result answered to tasks, as tables.
 *
 * @module
 */
import type { ForgettingReport } from "../report/format.ts";
import { type Html, markup, type Piece, table } from "../../report/html.ts";
import { chance, fixed, percent, whole } from "../../report/numbers.ts";

type Scores = NonNullable<ForgettingReport["tasks"]>;

const HEAD = ["task", "rows", "metric", "base", "result", "kept", "won", "lost", "p"];

/** Scores side by side, and how far the result is from the base on the base's own answers. */
export function answers(tasks: Scores): Html {
  const rows = tasks.flatMap(({ task, rows, metrics }) =>
    Object.entries(metrics).flatMap(([metric, { models, paired }]): Piece[][] => {
      const { base, tuned } = models;
      if (!paired) return [];
      const { kept, wins, losses, p } = paired;
      const scores = [base!, tuned!].map(({ mean }) => percent(mean));
      const share = kept === null ? "\u2013" : percent(kept);
      return [[task, whole(rows), metric, ...scores, share, whole(wins), whole(losses), chance(p)]];
    })
  );
  const divergences = tasks.flatMap(({ task, divergence }): Piece[][] =>
    divergence
      ? [[task, whole(divergence.tokens), fixed(divergence.kl, 4), percent(divergence.agreement)]]
      : []
  );
  const far = ["task", "tokens of the base's answers", "nats a token", "same choice"];
  return markup`<p>Of the rows that the base scores on, <i>kept</i> are those on which the result scores
as much. No budget holds these answers.</p>
${table("Answers of base and result", HEAD, rows)}${
    divergences.length > 0 ? table("Divergence on the answers of the base", far, divergences) : null
  }`;
}
