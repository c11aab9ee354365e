/**
 * The study of forgetting as a picture: task loss over budget, a line for each arm.
 *
 * @module
 */
import { summary } from "../../forgetting/statistics.ts";
import type { Picture } from "../engine/picture.ts";
import type { Score } from "./cell.ts";
import type { Experiment } from "./spec.ts";

/** The mean task loss at each budget. */
export function picture(
  scores: readonly Score[],
  { arms, budgets }: Pick<Experiment, "arms" | "budgets">,
): Picture {
  const at = (arm: string, budget: number) =>
    scores.filter((score) => score.arm === arm && score.budget === budget);
  return {
    name: "budgets",
    title: "Task loss of each arm over the budget",
    x: {
      label: "budget: rise of perplexity",
      isLog: true,
      ticks: budgets.map((budget) => ({ at: budget, label: `${budget} %` })),
    },
    y: { label: "task loss, nats a token", digits: 2 },
    lines: arms.map(({ name, isControlled }) => ({
      name,
      isStrong: isControlled,
      points: budgets.flatMap((budget) => {
        const found = at(name, budget);
        return found.length > 0
          ? [{ x: budget, y: summary(found.map(({ task }) => task)).mean }]
          : [];
      }),
    })),
  };
}
