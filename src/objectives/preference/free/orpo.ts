/**
 * Odds ratio preference optimisation.
 *
 * @module
 */
import type { OrpoConfig } from "../../settings.ts";
import { type Answer, logistic, perToken, type PreferenceLoss, softplus } from "../preference.ts";

/** A likelihood of 1 has no odds. */
const MOST = -1e-9;

/**
 * -beta log sigmoid(log odds of the chosen answer - of the rejected) beside the negative
 * log-likelihood of the chosen answers, where the odds are p / (1 - p) of p = exp(mean
 * log-likelihood of a token).
 *
 * Method: Hong et al. 2024, ORPO (arXiv 2403.07691), equations 6 and 7, beta for its lambda. The
 * likelihood beside it is of answers, as in the paper; TRL takes it of prompts too.
 */
export function orpo({ beta }: OrpoConfig): PreferenceLoss {
  return {
    unit: "nats a token",
    hasReference: false,
    sftWeight: 1,
    reward: (answer) => beta * perToken(answer.tuned, answer),
    gradient({ chosen, rejected }) {
      const [up, down] = [oddsOf(chosen), oddsOf(rejected)];
      const difference = up.log - down.log;
      const dlog = -beta * logistic(-difference);
      return {
        loss: beta * softplus(-difference),
        dchosen: perToken(dlog * up.dmean, chosen),
        drejected: perToken(-dlog * down.dmean, rejected),
      };
    },
  };
}

/** The logarithm of an answer's odds, and its derivative by the mean log-likelihood of a token. */
function oddsOf(answer: Answer): { readonly log: number; readonly dmean: number } {
  const mean = Math.min(MOST, perToken(answer.tuned, answer));
  const rest = -Math.expm1(mean); // 1 - p
  return { log: mean - Math.log(rest), dmean: 1 / rest };
}
