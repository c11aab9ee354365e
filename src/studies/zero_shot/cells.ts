/**
 * The names of the zero-shot study's cells, and what is varied among them.
 *
 * @module
 */
import type { Split, ZeroShotSpec } from "./spec.ts";

/** What is varied, and all that a run has where nothing is. */
export type Vary = { readonly [axis in "tasks" | "prompts" | "rows"]?: number };

/** The axes of variation. */
export const AXES = ["tasks", "prompts", "rows"] as const;

export const BASE = "base";
/** The cell of all tasks. */
export const allName = (seed: number): string => `all seed ${seed}`;
/** The cell of a cluster that is held out. */
export function heldName(
  { cluster }: Pick<Split, "cluster">,
  seed: number,
  vary: Vary = {},
): string {
  const less = Object.entries(vary).map(([axis, count]) => ` ${count} ${axis}`).join("");
  return `without ${cluster}${less} seed ${seed}`;
}

/** One axis at a time. */
export const variations = ({ vary }: Pick<ZeroShotSpec, "vary">): Vary[] =>
  AXES.flatMap((axis) => (vary[axis] ?? []).map((count) => ({ [axis]: count })));
