/**
 * The losses of preferences, in one list. A new one is a file and a line here.
 *
 * @module
 */
import { hinge } from "./hinge.ts";
import { ipo } from "./ipo.ts";
import type { PreferenceLoss } from "./preference.ts";
import { sigmoid } from "./sigmoid.ts";

/** All losses, the default first. */
export const preferenceLosses = { sigmoid, ipo, hinge } as const satisfies Readonly<
  Record<string, PreferenceLoss>
>;
export type PreferenceLossName = keyof typeof preferenceLosses;
export const PREFERENCE_LOSSES = Object.keys(preferenceLosses) as PreferenceLossName[];
