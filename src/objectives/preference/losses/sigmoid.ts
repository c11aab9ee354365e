/**
 * The loss of direct preference optimisation, and the same of means over tokens.
 *
 * @module
 */
import { logRatio, perToken, smoothedSigmoid } from "../preference.ts";
import { ofMargin, type ReferenceLoss } from "./loss.ts";

/**
 * -(1 - e) log sigmoid(m) - e log sigmoid(-m), where m is the margin and e the label smoothing: the
 * preference is a Bradley-Terry model of the rewards, of which a share e is the wrong way round.
 *
 * Method: Rafailov et al. 2023 (arXiv 2305.18290), smoothed (cDPO) as in Mitchell 2023, "A note on
 * DPO with noisy preferences and relationship to IPO".
 */
export const sigmoid: ReferenceLoss = {
  smoothing: "any",
  unit: "nats a preference",
  gradient: ofMargin(smoothedSigmoid),
};

/**
 * The same with log-ratios that are means over the tokens of an answer, so that length is no reward.
 *
 * Method: Tülu 3 (Lambert et al. 2024, arXiv 2411.15124), length-normalised DPO.
 */
export const sigmoidNorm: ReferenceLoss = {
  smoothing: "any",
  unit: "nats a preference",
  gradient({ chosen, rejected }, { beta, label_smoothing }) {
    const d = perToken(logRatio(chosen), chosen) - perToken(logRatio(rejected), rejected);
    const [loss, dm] = smoothedSigmoid(beta * d, label_smoothing);
    return {
      loss,
      dchosen: perToken(beta * dm, chosen),
      drejected: perToken(-beta * dm, rejected),
    };
  },
};
