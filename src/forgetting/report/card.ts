/**
 * What the model card of a run takes of its forgetting report.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { exists, readJsonObject } from "../../io/files.ts";
import { type ForgettingReport, REPORT_VERSION } from "./format.ts";

/** What a card takes of the report. */
type Told = Pick<ForgettingReport, "statement" | "not_covered" | "domains" | "chosen">;

/**
 * The forgetting report in the folder of a run, or null where it had no guard.
 *
 * @throws {FileError} where it is of another version.
 */
export function forgettingOf(run: string): Told | null {
  const path = join(run, "forgetting_report.json");
  if (!exists(path)) return null;
  const { version, ...told } = readJsonObject(path);
  if (version !== REPORT_VERSION) {
    throw new FileError(`Cannot use ${path}: found version ${version}, wanted ${REPORT_VERSION}`);
  }
  return told as unknown as Told;
}

/** What is said of weights that the adapter was merged into: they are not what was measured. */
const merged = (dtypes: readonly string[]): string =>
  "That is said of the adapter in F32 beside its base, as it was measured; this model has it merged " +
  `into ${dtypes.join(" and ")} weights, which were not measured${
    dtypes.some((dtype) => dtype !== "F32") ? " and are rounded" : ""
  }.`;

/**
 * Rows and paragraphs for the card; at no strength there is nothing to tell but the base.
 *
 * @param dtypes of the weights that the adapter was merged into; none of an adapter.
 */
export function cardEvidence(
  { statement, not_covered, domains, chosen }: Told,
  dtypes: readonly string[] = [],
) {
  const perplexities = domains.map((
    { name, base_perplexity: base, tuned_perplexity: tuned },
  ): [string, string] => [
    `perplexity on held-back text (${name})`,
    `${fixed(base)} -> ${fixed(tuned)}`,
  ]);
  const rows = chosen.strength === 0
    ? []
    : [...perplexities, ["strength", String(chosen.strength)] as [string, string]];
  const paragraphs = [statement, ...(dtypes.length > 0 ? [merged(dtypes)] : []), not_covered];
  return { rows, paragraphs };
}

const fixed = (value: unknown): string => typeof value === "number" ? value.toFixed(3) : "unknown";
