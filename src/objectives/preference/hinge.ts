/**
 * The hinge loss of preferences.
 *
 * @module
 */
import { marginOf, ofMargin, type PreferenceLoss } from "./preference.ts";

/**
 * max(0, 1 - m), where m is the margin: a preference that is met by 1 is learnt no more.
 *
 * Method: Liu et al. 2023, RSO (arXiv 2309.06657), after SLiC (Zhao et al. 2023, arXiv 2305.10425).
 */
export const hinge: PreferenceLoss = {
  smooths: false,
  gradient(preference, { beta }) {
    const short = 1 - marginOf(preference, beta);
    return ofMargin(Math.max(0, short), short > 0 ? -1 : 0, beta);
  },
};
