/**
 * The studies that are made of cells, in one list. A new one is a folder here and a line in it.
 *
 * @module
 */
import type { Study } from "./engine/study.ts";
import { forgetting } from "./forgetting/study.ts";
import { quality } from "./quality/study.ts";
import { robustness } from "./robustness/study.ts";
import { superNi } from "./super_ni/study.ts";
import { sweep } from "./sweep/study.ts";
import { zeroShot } from "./zero_shot/study.ts";

/** A study whose spec and results only it knows. */
// deno-lint-ignore no-explicit-any
export type AnyStudy = Study<any, any>;

/** All of them. */
export const studies: readonly AnyStudy[] = [
  zeroShot,
  superNi,
  robustness,
  quality,
  forgetting,
  sweep,
];
