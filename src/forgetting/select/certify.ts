/**
 * The certificate: a test, on text that nothing else has touched, that no more than the budget is
 * forgotten. It holds for every number of documents and every shape of their rises.
 *
 * @module
 */
import { countSupervised } from "../../data/mod.ts";
import { FileError } from "../../errors.ts";
import { counted, grossOf, type Rise } from "../rises.ts";
import {
  bettingBound,
  documentsNeeded,
  leastLimit,
  limitOf,
  planBets,
  shareBound,
} from "./betting.ts";
import { levelAfter } from "./spending.ts";
import { STRENGTHS } from "./strength.ts";
import type { Blocks, Domain } from "../text/retention.ts";

/** How sure the certificate is, and what a document counts at most. */
export interface CertifyOptions {
  /** The probability of choosing an adapter that forgets more than its budget: of one attempt. */
  readonly delta: number;
  /** A document counts up to one nat a token of the longest; else up to what others suggest. */
  readonly strict: boolean;
}

/** Documents of one domain at one strength. */
export interface TestedDocuments {
  /** Those of the controller: they fix the limit and the stakes. */
  readonly control: readonly Rise[];
  /** Those of the test. */
  readonly certificate: readonly Rise[];
}

/** One domain under test at one strength. Rises in nats a token. */
export interface Bound {
  /** Of the positions that have risen. */
  readonly mean: number;
  readonly se: number;
  /** Gains and losses together. */
  readonly net: number;
  /** The upper bound of the rise, where no document counts more than the limit. */
  readonly upper: number;
  readonly epsilon: number;
  readonly documents: number;
  /** The most nats that a document counts. */
  readonly limit: number;
  /** The upper bound of the share of documents that rise by more. */
  readonly beyond: number;
}

/** One strength under test. */
export interface Trial {
  readonly strength: number;
  readonly bounds: readonly Bound[];
  readonly passed: boolean;
}

/** What came of a test. */
export interface Certificate {
  /** In the order of the test; it ends with the first that failed. */
  readonly trials: readonly Trial[];
  /** The last strength that passed; 0, the base itself, passes without a trial. */
  readonly strength: number;
  /** Where the wanted strength failed: about how many more documents would let it pass. */
  readonly more: number | null;
}

/**
 * Strengths to test for a wanted one, ascending: fixed before the certificate's text is touched, so
 * that the test needs no correction for their number. It alone where there are no others.
 */
export const ladder = (wanted: number, strengths = STRENGTHS): number[] =>
  strengths.length === 1
    ? [wanted]
    : [0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1].map((share) => share * wanted);

/**
 * Tests strengths one after another, each domain at level delta / domains, and stops at the first that
 * fails: a fixed-sequence test, whose family-wise error is at most delta (Maurer et al., 1995).
 *
 * @param risesAt the documents of every domain at a strength.
 */
export async function certify(
  strengths: readonly number[],
  epsilons: readonly number[],
  risesAt: (strength: number) => Promise<readonly TestedDocuments[]>,
  options: CertifyOptions,
): Promise<Certificate> {
  const delta = options.delta / epsilons.length;
  const trials: Trial[] = [];
  let passed = 0;
  for (const strength of strengths) {
    const domains = await risesAt(strength);
    const bounds = domains.map((documents, i) =>
      bound(documents, epsilons[i]!, { ...options, delta })
    );
    const holds = bounds.every(({ upper, epsilon }) => upper <= epsilon);
    trials.push({ strength, bounds, passed: holds });
    if (!holds) return { trials, strength: passed, more: documentsWanted(bounds) };
    passed = strength;
  }
  return { trials, strength: passed, more: null };
}

function bound(
  { control, certificate }: TestedDocuments,
  epsilon: number,
  { delta, strict }: CertifyOptions,
): Bound {
  const limit = strict ? strictLimit(control) : limitOf(control, epsilon);
  const plan = planBets(control, epsilon, limit);
  const { n, mean, se, net } = counted(certificate);
  const beyond = certificate.filter((rise) => grossOf(rise) > limit).length;
  return {
    mean,
    se,
    net,
    upper: bettingBound(certificate, plan, delta),
    epsilon,
    documents: n,
    limit,
    beyond: shareBound(beyond, n, delta),
  };
}

/** One nat a token of the longest document. */
export const strictLimit = (documents: readonly { readonly tokens: number }[]): number =>
  Math.max(...documents.map(({ tokens }) => tokens));

/** What there is to certify by. */
type Certifying = Pick<Domain, "name" | "budget" | "control" | "certificate">;

/**
 * Stops where no result could pass: with so few documents of these lengths even a base that forgot
 * nothing would not be certified.
 *
 * @throws {FileError} with the number of documents that are needed.
 */
export function requireDocuments(domains: readonly Certifying[], options: CertifyOptions): void {
  for (const { name, budget: { text }, found, needed } of shortOf(domains, options, 0)) {
    throw new FileError(
      `Retention text ${name}: found ${found} documents to certify ${text} by, wanted at least ` +
        `${needed}, for with fewer no result could pass; more text, a larger ` +
        `guard.documents.certificate${
          options.strict ? ", or guard.strict false," : ""
        } or a wider budget would do`,
    );
  }
}

/**
 * What to say where attempts on the documents have failed: a line for each domain, none without them.
 * It stops no run, which may be one of them again.
 */
export function describeFailed(
  domains: readonly Certifying[],
  options: CertifyOptions,
  failed: number,
): string[] {
  if (failed === 0) return [];
  const short = shortOf(domains, options, failed);
  const told = `guard: of the attempts to certify by these documents ${failed} failed, so this ` +
    "one must be surer";
  if (short.length === 0) return [told];
  return short.map(({ name, found, needed }) =>
    `${told}: it takes at least ${needed} documents of ${name}, and there are ${found}; unless it ` +
    "is one of those again, it cannot pass without more text"
  );
}

/** The domains that have fewer documents than a test needs after so many that failed. */
function shortOf(
  domains: readonly Certifying[],
  { delta, strict }: CertifyOptions,
  failed: number,
) {
  const level = levelAfter(failed, delta) / domains.length;
  return domains.flatMap(({ name, budget, ...parts }) => {
    const [control, certificate] = [lengthsOf(parts.control), lengthsOf(parts.certificate)];
    const limit = strict ? strictLimit(control) : leastLimit(control, budget.epsilon);
    const needed = documentsNeeded(certificate, budget.epsilon, { delta: level, limit });
    const found = certificate.length;
    return found < needed ? [{ name, budget, found, needed }] : [];
  });
}

const lengthsOf = (documents: readonly Blocks[]) =>
  documents.map((blocks) => ({
    tokens: blocks.reduce((sum, block) => sum + countSupervised(block), 0),
  }));

/**
 * About how many more documents would let bounds pass whose rises are within the budget, which shrink
 * with the root of their number; null where one is not, so that more text would not help.
 */
function documentsWanted(bounds: readonly Bound[]): number | null {
  const wanted = bounds.map(({ mean, epsilon, documents, upper }) => {
    if (upper <= epsilon) return 0;
    if (mean >= epsilon) return Infinity;
    return Math.ceil(documents * ((upper - mean) / (epsilon - mean)) ** 2) - documents;
  });
  const most = Math.max(...wanted);
  return Number.isFinite(most) ? Math.max(1, most) : null;
}
