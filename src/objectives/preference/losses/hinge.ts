/**
 * The hinge loss of preferences.
 *
 * @module
 */
import { ofMargin, type ReferenceLoss } from "./loss.ts";

/**
 * max(0, 1 - m), where m is the margin: a preference that is met by 1 is learnt no more.
 *
 * Method: Liu et al. 2023, RSO (arXiv 2309.06657), after SLiC (Zhao et al. 2023, arXiv 2305.10425).
 */
export const hinge: ReferenceLoss = {
  smoothing: "none",
  unit: "a preference",
  gradient: ofMargin((m) => [Math.max(0, 1 - m), m < 1 ? -1 : 0]),
};
