/**
 * The settings of the forgetting guard, as the section `guard` of a configuration has them.
 *
 * @module
 */

import type { ControllerOptions } from "./control/controller.ts";
import type { RollbackOptions } from "./control/parts.ts";

/** The forgetting guard. */
export interface GuardConfig {
  /** Retention text: files of what must not be forgotten; where there are none, the base writes it. */
  readonly text: readonly string[];
  /** How many documents the base writes where there is no text. */
  readonly samples: number;
  /** How much may be forgotten, such as `ppl:2%`. */
  readonly budget: string;
  /**
   * What holds the model to its retention text: the base's predictions of it, the text itself, or
   * the base's weights, each as hard as it matters to the text.
   */
  readonly loss: "kl" | "ce" | "ewc";
  /** The most documents of a domain that say which weights matter, for `ewc`. */
  readonly fisher_documents: number;
  /** Guard tokens of an update for each of its task tokens. */
  readonly share: number;
  /** A fixed weight of the guard's mean loss in place of the controller. */
  readonly weight?: number | "tokens";
  /** Updates from one measurement to the next. */
  readonly every: number;
  /** The most documents that each held-back part has. */
  readonly documents: {
    readonly control: number;
    readonly certificate: number;
    readonly probe: number;
  };
  /** Rows of the task that checkpoints and strengths are compared by. */
  readonly task_rows: number;
  /** The probability of choosing an adapter that forgets more than its budget. */
  readonly delta: number;
  /** A document counts up to one nat a token in the certificate, instead of what others suggest. */
  readonly strict: boolean;
  /** Constants of the controller. */
  readonly controller: ControllerOptions;
  /** When a run goes back to its last checkpoint within the budget. */
  readonly rollback: RollbackOptions;
}
