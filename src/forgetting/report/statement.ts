/**
 * The result of a guarded run in some sentences.
 *
 * @module
 */
import { atMost, confidence } from "../budget.ts";
import type { Bound, Trial } from "../select/certify.ts";
import type { Domain } from "../text/retention.ts";
import type { AttemptedCertificate } from "../select/result.ts";
import type { ReportFacts, TrainedBy } from "./report.ts";

/** What is known of the certificate's documents, by who trained the adapter. */
const TOUCHED: Readonly<Record<TrainedBy, string>> = {
  "this run": "that nothing else in the run has touched",
  "a run": "that the run of the adapter has neither trained on nor been controlled by",
  "another from elsewhere": "that nothing else in the run has touched, while it is not known " +
    "whether the adapter that it began from was trained on them",
  nobody: "on which nothing has been trained",
  "nobody known": "of which it is not known whether the adapter was trained on them",
};

/** A test of documents, and what is known of them. */
export interface Test {
  readonly budget: string;
  readonly domains: readonly Pick<Domain, "name" | "budget" | "certificate">[];
  readonly delta: number;
  readonly trainedBy: TrainedBy;
  readonly certificate: AttemptedCertificate;
}

/** The result: certified or why not, how sure, and which attempt on these documents it is. */
export function statement(facts: ReportFacts): string {
  const { budget, result: { strength, certificate, selection } } = facts;
  if (strength > 0) return certified(facts, certificate!);
  if (!selection.chosen) {
    const keeps = selection.points.some(({ task }) => task !== null);
    return keeps
      ? `Not certified: within the budget ${budget} nothing does better at the task than the base itself.`
      : `Not certified: on the control text only the base itself keeps the budget ${budget}.`;
  }
  const test = { ...facts, certificate: certificate! };
  return `Not certified: ${unproven(test, `the budget ${budget} is kept`)}; ` +
    `only the base itself is certain. ${attemptText(test)}`;
}

function certified(facts: ReportFacts, certificate: AttemptedCertificate): string {
  const { strength, selection } = facts.result;
  const { bounds } = certificate.trials.find((trial) => trial.strength === strength)!;
  const test = { ...facts, certificate };
  const weaker = strength < selection.chosen!.strength
    ? ` The strength that was wanted, ${selection.chosen!.strength}, was not certified${
      moreOf(certificate.more)
    }.`
    : "";
  return `Certified: forgets at most ${mostOf(test, bounds)} ${provenBy(test)}, at strength ` +
    `${strength}.${weaker} ${attemptText(test)} ${limitsText(test, bounds)}`;
}

/** The result for a file, `beside` which its documents were read. */
export function fileStatement(test: Test, name: string, beside: string): string {
  const [{ bounds, passed }] = test.certificate.trials as [Trial];
  if (!passed) {
    const kept = `${name} keeps the budget ${test.budget} beside ${beside}`;
    return `Not certified: ${unproven(test, kept)}. ${attemptText(test)}`;
  }
  return `Certified: ${name} forgets at most ${mostOf(test, bounds)} beside ${beside}, ` +
    `${provenBy(test)}. ${attemptText(test)} ${limitsText(test, bounds)}`;
}

const unproven = ({ domains, certificate }: Test, what: string): string =>
  `${countOf(domains)} documents do not prove that ${what}${moreOf(certificate.more)}`;

function mostOf({ domains }: Test, bounds: readonly Bound[]): string {
  return domains.map(({ name, budget: { metric } }, i) => {
    const upper = atMost(metric, bounds[i]!.upper);
    return domains.length > 1 ? `${upper} on ${name}` : upper;
  }).join(", ");
}

const provenBy = ({ budget, domains, trainedBy, delta }: Test): string =>
  `within the budget ${budget}, by ${countOf(domains)} documents ${TOUCHED[trainedBy]}, at ` +
  `${confidence(delta)} confidence`;

function limitsText({ certificate, domains }: Test, bounds: readonly Bound[]): string {
  const level = certificate.level / domains.length;
  return "Gains at some positions do not pay for losses at others; " +
    `${bounds.map((bound) => limitText(bound, level)).join("; ")}.`;
}

const countOf = (domains: Test["domains"]): number =>
  domains.reduce((sum, { certificate }) => sum + certificate.length, 0);

/** Which attempt on these documents it is, and what that takes. */
function attemptText({ certificate: { attempt, level }, delta }: Test): string {
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
