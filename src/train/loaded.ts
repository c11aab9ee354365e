/**
 * What is said of rows that were loaded.
 *
 * @module
 */
import type { Config } from "../config/mod.ts";
import type { LoadCounts } from "../data/mod.ts";
import { methodsOf } from "../methods.ts";

/** What a source gave, what was left out, and the fields that nothing has read. */
export function describeLoaded(
  path: string,
  { rows, skipped, cut, noted, unread }: LoadCounts,
  config: Config,
): string {
  const counts = Object.entries({ "too long": skipped, cut, ...noted })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `, ${count} ${what.replaceAll("_", " ")}`);
  const fields = unreadBy(config, unread).map(([field, count]) => `${field} (${count} rows)`);
  const ignored = fields.length === 0 ? "" : `; not read: ${fields.join(", ")}`;
  return `data: ${path}: ${rows} rows${counts.join("")}${ignored}`;
}

/** The fields that nothing reads, the objective included, and how many rows have each. */
export function unreadBy(config: Config, unread: LoadCounts["unread"]): [string, number][] {
  const { reads } = methodsOf(config).main;
  return Object.entries(unread).filter(([field]) => !reads?.(field));
}
