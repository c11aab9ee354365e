/**
 * The certificate of an exported file: retention text in parts before it is written, and the test once
 * it is there.
 *
 * @module
 */
import { basename } from "node:path";
import { rowTokenizer } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";
import { parseBudget } from "../../forgetting/budget.ts";
import { describeFailed, requireDocuments } from "../../forgetting/select/certify.ts";
import { certifyFile } from "../../forgetting/exported/certify_file.ts";
import { type FileCertificate, fileCertificate } from "../../forgetting/exported/report.ts";
import { describeDomain, type Domain, splitRetention } from "../../forgetting/text/retention.ts";
import { retentionText } from "../../forgetting/text/samples.ts";
import type { Device } from "../../gpu/device.ts";
import { openModel } from "../../inference/open.ts";
import { writeJson } from "../../io/files.ts";
import { fileSha256, modelFingerprint } from "../../io/fingerprint.ts";
import { NOTHING_SEEN, type SeenDocuments, seenTogether } from "../../objectives/documents.ts";
import { documentsSeenBy } from "../../runs/documents.ts";
import { attemptsOf } from "../../runs/history/attempts.ts";
import { certificateOf } from "../lib/beside.ts";
import { certifyingSettings, countedWhere } from "../lib/certifying.ts";
import { say } from "../lib/term.ts";
import { type ExportedFile, measureModels } from "./measured.ts";

/** What hashes of documents alone do not find. */
const NEARLY =
  "the run of the adapter left no sketches of all that it was trained on; text that nearly repeats " +
  "it is not left out";

/** Text that a file is to be certified by. */
export interface FileBudget {
  readonly settings: ReturnType<typeof certifyingSettings>;
  readonly domains: readonly Domain[];
  readonly seen: SeenDocuments;
  readonly attempts: ReturnType<typeof attemptsOf> | null;
}

/** What the file is to be made of, and with. */
export interface BudgetOptions {
  readonly base: string;
  readonly adapter: string | undefined;
  readonly out: string;
  /** Documents of an importance matrix that was taken from other text: they certify nothing. */
  readonly read: SeenDocuments | undefined;
  /** Whether a part is for an importance matrix. */
  readonly trains: boolean;
}

/**
 * Reads and parts the retention text of `--text`, or what the base writes.
 *
 * @throws {ConfigError} for a budget of divergences, which two files do not show.
 * @throws {FileError} where there is too little text to certify anything by.
 */
export async function openBudget(
  device: Device,
  { base, adapter, out, read, trains }: BudgetOptions,
  flags: Readonly<Record<string, string>>,
): Promise<FileBudget> {
  const settings = certifyingSettings(base, flags);
  const { guard, tokens, seed } = settings;
  const budgets = parseBudget(guard.budget);
  const kl = budgets.find(({ metric }) => metric === "kl");
  if (kl) throw new ConfigError(`Found --budget ${kl.text}, wanted ppl: for a file`);
  const own = adapter === undefined ? NOTHING_SEEN : documentsSeenBy(adapter);
  const seen = seenTogether([own, ...(read ? [read] : [])]);
  const counts = settings.history && attemptsOf(countedWhere(adapter, out), out, say);
  const attempts = counts || null;
  using open = openModel(device, base);
  const { engine, model } = open;
  const maxTokens = Math.min(tokens, model.config.context);
  const { text, samples: count } = guard;
  const domains = splitRetention(rowTokenizer(model), {
    documents: await retentionText(engine, model, {
      ...{ text, budgets, count, maxTokens, seed, say },
    }),
    ...{ budgets, held: guard.documents, seed, maxTokens, task: [], seen },
    ...{ trainTokens: trains ? maxTokens : null, vocabSize: model.config.vocabSize },
  });
  for (const domain of domains) say(describeDomain(domain));
  if (seen.complete && !seen.sketched) say(NEARLY);
  requireDocuments(domains, guard);
  const certifying = domains.flatMap(({ hashes }) => hashes.certificate);
  const failed = attempts?.failed(certifying) ?? 0;
  for (const line of describeFailed(domains, guard, failed)) say(line);
  return { settings, domains, seen, attempts };
}

/** Tests the file that was written, and leaves what came of it beside it. */
export async function certifyExport(
  device: Device,
  exported: ExportedFile,
  { settings: { guard }, domains, seen, attempts }: FileBudget,
  kept: number | null,
): Promise<FileCertificate> {
  const { base, adapter, out, type, importance } = exported;
  const sha256 = fileSha256(out);
  const baseSha256 = modelFingerprint(base);
  say("certifying the file");
  const result = await certifyFile({
    domains,
    certificate: { delta: guard.delta, strict: guard.strict },
    attempts,
    models: [sha256, baseSha256],
    measure: (blocks) => measureModels(device, exported, blocks),
  });
  const report = fileCertificate({
    file: { name: basename(out), sha256, bytes: Deno.statSync(out).size, type: type ?? "16 bits" },
    made: {
      base: basename(base),
      base_sha256: baseSha256,
      adapter: adapter === undefined ? null : basename(adapter),
      importance: importance?.matrix.datasets ?? null,
      kept,
    },
    ...{ budget: guard.budget, delta: guard.delta, strict: guard.strict, domains, result },
    text: guard.text,
    trainedBy: adapter === undefined ? "nobody" : seen.complete ? "a run" : "nobody known",
  });
  writeJson(certificateOf(out), report);
  return report;
}
