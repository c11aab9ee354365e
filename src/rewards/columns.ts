/**
 * Which columns of rows rewards look at.
 *
 * @module
 */
import type { RewardConfig } from "./settings.ts";

/** A column's name in braces, in the prompt of a judge. */
export const IN_BRACES = /\{([\w-]+)\}/g;

/** Whether one of the rewards may look at a column. */
export const readsColumn = (rewards: readonly RewardConfig[], column: string): boolean =>
  rewards.some((reward) => {
    switch (reward.kind) {
      case "metric":
        return reward.column === column;
      case "judge":
        return reward.prompt.matchAll(IN_BRACES).some(([, name]) => name === column);
      default:
        return reward.kind === "function"; // it is given the whole row
    }
  });
