/**
 * The loss of direct preference optimisation.
 *
 * @module
 */
import { marginOf, ofMargin, type PreferenceLoss } from "./preference.ts";

/**
 * -(1 - e) log sigmoid(m) - e log sigmoid(-m), where m is the margin and e the label smoothing: the
 * preference is a Bradley-Terry model of the rewards, of which a share e is the wrong way round.
 *
 * Method: Rafailov et al. 2023 (arXiv 2305.18290), smoothed as in Mitchell 2023, "A note on DPO with
 * noisy preferences and relationship to IPO".
 */
export const sigmoid: PreferenceLoss = {
  smooths: true,
  gradient(preference, { beta, label_smoothing: e }) {
    const m = marginOf(preference, beta);
    const loss = (1 - e) * softplus(-m) + e * softplus(m);
    return ofMargin(loss, e * logistic(m) - (1 - e) * logistic(-m), beta);
  },
};

/** log(1 + exp(x)), without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
