/**
 * `NAME.certificate.json` beside a file: what is certified of exactly this one, by its hash.
 *
 * @module
 */
import { basename } from "node:path";
import { atMost, inUnit } from "../budget.ts";
import type { AttemptReport, BoundReport, ShiftReport } from "../report/format.ts";
import { attemptReport, boundOf, hashOf, type TrainedBy } from "../report/report.ts";
import { fileStatement } from "../report/statement.ts";
import type { Shift } from "../measure.ts";
import { SAMPLES } from "../text/samples.ts";
import type { Domain } from "../text/retention.ts";
import type { FileResult, FileShifts } from "./certify_file.ts";

/** Of this format. */
const FILE_CERTIFICATE_VERSION = 1;

/** What the report knows beside the result. */
export interface FileFacts {
  readonly file: FileIdentity;
  readonly made: MadeOf;
  readonly budget: string;
  readonly domains: readonly Domain[];
  readonly result: FileResult;
  readonly delta: number;
  readonly strict: boolean;
  /** Files of retention text; none where the base wrote it. */
  readonly text: readonly string[];
  readonly trainedBy: TrainedBy;
}

/** Which file it is. */
export interface FileIdentity {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** The kind of file, such as `Q4_K_M`. */
  readonly type: string;
}

/** What the file was made of. */
export interface MadeOf {
  /** As it was given. */
  readonly base: string;
  readonly base_sha256: string;
  /** Null where the base alone was written. */
  readonly adapter: string | null;
  /** What matrices were rounded by, where it was an importance matrix: where that was taken from. */
  readonly importance: readonly string[] | null;
  /** The share of what the adapter changes that rounding has left; null where nothing was rounded. */
  readonly kept: number | null;
}

/** What is certified of a file. Shifts are in nats a token. */
export interface FileCertificate {
  readonly version: typeof FILE_CERTIFICATE_VERSION;
  /** The result in a sentence or two. */
  readonly statement: string;
  readonly certified: boolean;
  readonly file: FileIdentity;
  readonly made_of: MadeOf;
  /** What the file was held to, in words. */
  readonly beside: string;
  readonly budget: string;
  readonly delta: number;
  readonly strict: boolean;
  readonly attempt: AttemptReport;
  /** Whether it is known that nothing was trained on the certificate's documents. */
  readonly independent: boolean;
  readonly retention_text: readonly string[] | string;
  readonly domains: readonly FileDomain[];
  /** About how many more documents would let it pass; null where none would. */
  readonly more_documents: number | null;
  /** What none of this says. */
  readonly not_covered: string;
}

/** One domain of the retention text. */
export interface FileDomain {
  readonly name: string;
  /** Its budget as it was written. */
  readonly budget: string;
  readonly epsilon: number;
  /** Documents that certify, and that the limit and the stakes come from. */
  readonly documents: { readonly certificate: number; readonly control: number };
  /** A hash of the token ids of the documents that certify. */
  readonly sha256: string;
  /** The file beside what it was held to: what was tested. */
  readonly certificate: BoundReport;
  /** The file beside the base as it is stored: adapter and rounding together, without a bound. */
  readonly whole: ShiftReport;
  /** The adapter beside the base before anything was rounded, without a bound. */
  readonly before_rounding: ShiftReport;
  /** Of the file, weighted by token. */
  readonly file_perplexity: number;
}

/** Puts it together. */
export function fileCertificate(facts: FileFacts): FileCertificate {
  const { file, made, budget, domains, result, delta, strict, trainedBy } = facts;
  const { certificate, shifts } = result;
  const beside = made.adapter === null
    ? "the base as it is stored"
    : `the base in a file of the same kind (${file.type})`;
  const [trial] = certificate.trials;
  return {
    version: FILE_CERTIFICATE_VERSION,
    statement: fileStatement({ ...facts, certificate }, file.name, beside),
    certified: trial!.passed,
    file,
    made_of: made,
    beside,
    ...{ budget, delta, strict },
    attempt: attemptReport(certificate),
    independent: trainedBy !== "nobody known",
    retention_text: facts.text.length > 0 ? facts.text.map((path) => basename(path)) : SAMPLES,
    domains: domains.map((domain, i) => ({
      ...{ name: domain.name, budget: domain.budget.text, epsilon: domain.budget.epsilon },
      documents: { certificate: domain.certificate.length, control: domain.control.length },
      sha256: hashOf(domain.certificate.flat()),
      certificate: boundOf(trial!.bounds[i])!,
      ...shiftsReport(shifts[i]!),
      file_perplexity: Math.exp(shifts[i]!.tested.nll),
    })),
    more_documents: certificate.more,
    not_covered:
      "Bounded is the rise over all tokens of text drawn like the retention text, with " +
      "activations in f32: no single document, nothing beyond a document's limit, no other text, no " +
      "other ability, no safety. Programs that round activations to eight bits compute otherwise.",
  };
}

const shiftsReport = ({ whole, made }: FileShifts) => ({
  whole: shiftReport(whole),
  before_rounding: shiftReport(made),
});

const shiftReport = ({ mean, se, net }: Shift): ShiftReport => ({ shift: mean, se, net });

/** Lines for a screen. */
export function describeFile(report: FileCertificate): string[] {
  const { domains, file, made_of, statement, certified, beside, not_covered } = report;
  const rise = ({ shift, se }: ShiftReport) =>
    `${inUnit("ppl", shift)} (standard error ${(100 * se).toFixed(2)} %)`;
  return [
    ...domains.flatMap(({ name, budget, certificate, whole, before_rounding, documents }) => {
      const most = certified ? `at most ${atMost("ppl", certificate.upper)}, ` : "";
      const before = made_of.adapter === null
        ? ""
        : `, ${rise(before_rounding)} before anything was rounded`;
      return [
        `${domains.length > 1 ? name : "forgetting"}: ${inUnit("ppl", certificate.shift)} of ` +
        `${budget} beside ${beside} (${most}${documents.certificate} documents)`,
        `${rise(whole)} beside the base as it is stored${before}`,
      ];
    }),
    ...(made_of.kept === null
      ? []
      : [`rounding has left ${(100 * made_of.kept).toFixed(1)} % of what the adapter changes`]),
    `SHA-256 ${file.sha256}`,
    ...[statement, not_covered],
  ];
}
