/**
 * Which of several answers to a prompt become rows.
 *
 * @module
 */

/** What is kept of the answers to a prompt. */
export const KEEPS = ["best", "all", "pairs"] as const;
/** One of {@link KEEPS}. */
export type Keep = typeof KEEPS[number];

/** How answers are chosen. */
export interface Choice {
  /** The best one, all that are good enough, or the best beside the worst. */
  readonly keep: Keep;
  /** The least reward of an answer that is kept or chosen; any where absent. */
  readonly above?: number;
  /** The least difference of rewards within a pair, which is more than 0 in any case. */
  readonly margin: number;
}

/** An answer, and what it is worth. */
export interface ScoredAnswer {
  readonly text: string;
  readonly reward: number;
}

/** What becomes of the answers to a prompt. */
export interface Chosen {
  readonly kept: readonly ScoredAnswer[];
  readonly pair: { readonly chosen: ScoredAnswer; readonly rejected: ScoredAnswer } | null;
  /** Answers that repeat another word by word. */
  readonly repeated: number;
  /** Whether several different answers share the highest reward. */
  readonly isTied: boolean;
}

/**
 * Chooses among the answers to a prompt. Of equal rewards the answer that was drawn first comes
 * first; one that repeats another counts once.
 */
export function choose(answers: readonly ScoredAnswer[], choice: Choice): Chosen {
  const { keep, above = -Infinity, margin } = choice;
  const different = answers.filter(({ text }, i) =>
    answers.findIndex((other) => other.text === text) === i
  );
  const ranked = different.toSorted((a, b) => b.reward - a.reward); // stable
  const [best] = ranked;
  const told = {
    repeated: answers.length - different.length,
    isTied: ranked.length > 1 && ranked[0]!.reward === ranked[1]!.reward,
  };
  if (best === undefined || best.reward < above) return { kept: [], pair: null, ...told };
  if (keep === "best") return { kept: [best], pair: null, ...told };
  if (keep === "all") {
    return { kept: different.filter(({ reward }) => reward >= above), pair: null, ...told };
  }
  const rejected = ranked.find(({ reward }) => reward === ranked.at(-1)!.reward)!;
  const difference = best.reward - rejected.reward;
  const isPair = difference > 0 && difference >= margin;
  return { kept: [], pair: isPair ? { chosen: best, rejected } : null, ...told };
}
