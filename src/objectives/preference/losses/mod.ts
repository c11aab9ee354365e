/**
 * The losses of `objective.kind dpo`, in one list. A new one is a file and a line here.
 *
 * @module
 */
import { apoDown, apoZero } from "./apo.ts";
import { bco } from "./bco.ts";
import { exo } from "./exo.ts";
import { hinge } from "./hinge.ts";
import { ipo } from "./ipo.ts";
import type { ReferenceLoss } from "./loss.ts";
import { nca } from "./nca.ts";
import { robust } from "./robust.ts";
import { sigmoid, sigmoidNorm } from "./sigmoid.ts";
import { sppo } from "./sppo.ts";

/** The name of a loss. */
export type ReferenceLossName =
  | "sigmoid"
  | "sigmoid_norm"
  | "ipo"
  | "hinge"
  | "robust"
  | "exo_pair"
  | "nca_pair"
  | "bco_pair"
  | "sppo_hard"
  | "apo_zero"
  | "apo_down";

/** All losses by TRL's names, the default first. */
export const referenceLosses: Readonly<Record<ReferenceLossName, ReferenceLoss>> = {
  sigmoid,
  sigmoid_norm: sigmoidNorm,
  ipo,
  hinge,
  robust,
  exo_pair: exo,
  nca_pair: nca,
  bco_pair: bco,
  sppo_hard: sppo,
  apo_zero: apoZero,
  apo_down: apoDown,
};

/** All names, the default first. */
export const REFERENCE_LOSSES = Object.keys(referenceLosses) as ReferenceLossName[];
