/**
 * The result of a guarded run in some sentences.
 *
 * @module
 */
import { atMost, confidence } from "../budget.ts";
import type { Bound } from "../select/certify.ts";
import type { AttemptedCertificate } from "../select/result.ts";
import type { ReportFacts, TrainedBy } from "./report.ts";

/** What is known of the certificate's documents, by who trained the adapter. */
const TOUCHED: Readonly<Record<TrainedBy, string>> = {
  "this run": "that nothing else in the run has touched",
  "a run": "that the run of the adapter has neither trained on nor been controlled by",
  "another from elsewhere": "that nothing else in the run has touched, while it is not known " +
    "whether the adapter that it began from was trained on them",
  "nobody known": "of which it is not known whether the adapter was trained on them",
};

/** The result: certified or why not, how sure, and which attempt on these documents it is. */
export function statement(facts: ReportFacts): string {
  const { budget, domains, result: { strength, certificate, selection } } = facts;
  if (strength > 0) return certified(facts, certificate!);
  if (!selection.chosen) {
    const keeps = selection.points.some(({ task }) => task !== null);
    return keeps
      ? `Not certified: within the budget ${budget} nothing does better at the task than the base itself.`
      : `Not certified: on the control text only the base itself keeps the budget ${budget}.`;
  }
  return `Not certified: ${countOf(domains)} documents do not prove that the budget ${budget} is ` +
    `kept${moreOf(certificate!.more)}; only the base itself is certain. ${attemptText(facts)}`;
}

function certified(facts: ReportFacts, certificate: AttemptedCertificate): string {
  const { budget, domains, result: { strength, selection }, delta, trainedBy } = facts;
  const { bounds } = certificate.trials.find((trial) => trial.strength === strength)!;
  const most = domains.map(({ name, budget: { metric } }, i) => {
    const upper = atMost(metric, bounds[i]!.upper);
    return domains.length > 1 ? `${upper} on ${name}` : upper;
  }).join(", ");
  const weaker = strength < selection.chosen!.strength
    ? ` The strength that was wanted, ${selection.chosen!.strength}, was not certified${
      moreOf(certificate.more)
    }.`
    : "";
  const level = certificate.level / domains.length;
  return `Certified: forgets at most ${most} within the budget ${budget}, by ${
    countOf(domains)
  } documents ${TOUCHED[trainedBy]}, at ${confidence(delta)} confidence, at strength ${strength}.` +
    `${weaker} ${attemptText(facts)} Gains at some positions do not pay for losses at others; ` +
    `${bounds.map((bound) => limitText(bound, level)).join("; ")}.`;
}

const countOf = (domains: ReportFacts["domains"]): number =>
  domains.reduce((sum, { certificate }) => sum + certificate.length, 0);

/** Which attempt on these documents it is, and what that takes. */
function attemptText({ result: { certificate }, delta }: ReportFacts): string {
  const { attempt, level } = certificate!;
  if (attempt === null) {
    return "Attempts on these documents are not counted, for there is no run history: " +
      `${confidence(delta)} holds for the first.`;
  }
  const { number, failed } = attempt;
  const before = number === 1
    ? ""
    : `, ${failed === 0 ? "none" : failed} of those before ${failed > 1 ? "have" : "has"} failed`;
  return `It is attempt ${number} on these documents${before}: tested at ${
    confidence(level)
  }, so ` +
    `that ${confidence(delta)} holds for all attempts together.`;
}

/** What a document counts at most, and how many may rise by more. */
const limitText = ({ limit, beyond }: Bound, level: number): string =>
  `a document counts at most ${limit} nats, and at most ` +
  `${(Math.ceil(1000 * beyond) / 10).toFixed(1)} % of documents rise by more (${
    confidence(level)
  })`;

const moreOf = (more: number | null): string =>
  more === null
    ? ": what was measured is above the budget"
    : `: needs about ${more} more documents`;
