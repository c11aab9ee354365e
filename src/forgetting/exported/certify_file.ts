/**
 * The certificate of a file that is handed on: base and adapter in one, rounded. Its likelihoods are
 * compared with those of its base in a file of the same kind; what rounding itself costs is measured.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Example } from "../../data/mod.ts";
import type { AttemptLedger } from "../../objectives/attempts.ts";
import { type Shift, shiftOf } from "../measure.ts";
import { certify, type CertifyOptions } from "../select/certify.ts";
import type { AttemptedCertificate } from "../select/result.ts";
import { levelAfter } from "../select/spending.ts";
import type { Blocks, Domain } from "../text/retention.ts";

/** Nats of each predicted token of some blocks. */
export type Nats = readonly Float32Array[];

/** The same blocks under a file and under what it was made of. */
export interface ModelNats {
  /** The base as it is stored. */
  readonly base: Nats;
  /** Base and adapter before they were rounded; the base where there is no adapter. */
  readonly made: Nats;
  /** What the file is held to: the base in a file of the same kind, or the base where no adapter is in it. */
  readonly beside: Nats;
  readonly file: Nats;
}

/** A file under test. */
export interface FileTest {
  readonly domains: readonly Domain[];
  /** How sure the certificate is over all attempts on its documents. */
  readonly certificate: CertifyOptions;
  /** Where attempts are counted; null where they are not. */
  readonly attempts: AttemptLedger | null;
  /** Hashes of the file and of what it was made of: the same test again is not another. */
  readonly models: readonly string[];
  /** Measures blocks under all models. */
  readonly measure: (blocks: readonly Example[]) => Promise<ModelNats>;
}

/** What came of it. */
export interface FileResult {
  /** Of one trial, at strength 1: a file is tested as it is. */
  readonly certificate: AttemptedCertificate;
  /** Of each domain, on the certificate's documents. */
  readonly shifts: readonly FileShifts[];
}

/** How the models differ on the documents of a domain. */
export interface FileShifts {
  /** The file beside what it is held to: what was tested. */
  readonly tested: Shift;
  /** The file beside the base as it is stored: adapter and rounding together. */
  readonly whole: Shift;
  /** Base and adapter beside the base, before anything was rounded. */
  readonly made: Shift;
}

/** The certificate's text is opened here, once the attempt is counted. */
export async function certifyFile(test: FileTest): Promise<FileResult> {
  const { domains, certificate, attempts, measure } = test;
  const documents = domains.flatMap(({ hashes }) => hashes.certificate);
  const attempt = attempts?.begin({ documents, key: keyOf(test, documents) }) ?? null;
  const level = levelAfter(attempt?.failed ?? 0, certificate.delta);
  const parts = domains.flatMap((domain) => [domain.control, domain.certificate]);
  const shifts = shiftsOf(parts, await measure(parts.flat(2)));
  const tested = domains.map((_, i) => ({
    control: shifts[2 * i]!.tested.documents,
    certificate: shifts[2 * i + 1]!.tested.documents,
  }));
  const epsilons = domains.map(({ budget }) => budget.epsilon);
  const options = { strict: certificate.strict, delta: level };
  const found = await certify([1], epsilons, () => Promise.resolve(tested), options);
  attempts?.end(found.trials.every(({ passed }) => passed));
  return {
    certificate: { ...found, attempt, level },
    shifts: domains.map((_, i) => shifts[2 * i + 1]!),
  };
}

/** A hash of all that decides how the test ends. */
function keyOf({ domains, certificate, models }: FileTest, documents: readonly string[]): string {
  const epsilons = domains.map(({ budget }) => budget.epsilon);
  const all = JSON.stringify(["file", models, epsilons, certificate, documents]);
  return createHash("sha256").update(all).digest("hex");
}

/** Part by part, whose blocks lie one after another. */
function shiftsOf(parts: readonly (readonly Blocks[])[], nats: ModelNats): FileShifts[] {
  let at = 0;
  return parts.map((documents) => {
    const [begin, end] = [at, at += documents.flat().length];
    const of = (model: Nats) => model.slice(begin, end);
    const shift = (tuned: Nats, base: Nats) =>
      shiftOf(
        documents,
        of(tuned).map((x, block) => x.map((v, i) => v - of(base)[block]![i]!)),
        of(tuned),
      );
    return {
      tested: shift(nats.file, nats.beside),
      whole: shift(nats.file, nats.base),
      made: shift(nats.made, nats.base),
    };
  });
}
