/**
 * The losses of preferences, in one list. A new one is a file and a line here.
 *
 * @module
 */
import { hinge } from "./hinge.ts";
import { ipo } from "./ipo.ts";
import type { PreferenceLoss } from "./preference.ts";
import { sigmoid } from "./sigmoid.ts";

/** The name of a loss of preferences. */
export type PreferenceLossName = "sigmoid" | "ipo" | "hinge";

/** All losses, the default first. */
export const preferenceLosses: Readonly<Record<PreferenceLossName, PreferenceLoss>> = {
  sigmoid,
  ipo,
  hinge,
};

/** All names, the default first. */
export const PREFERENCE_LOSSES = Object.keys(preferenceLosses) as PreferenceLossName[];
