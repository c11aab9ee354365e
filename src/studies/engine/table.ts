/**
 * Tables of a study in Markdown.
 *
 * @module
 */
import type { Table } from "./study.ts";

/** All of them, each with its title and note. */
export const markdownOf = (tables: readonly Table[]): string =>
  tables.map(({ title, note, ...table }) =>
    [`**${title}**`, "", ...linesOf(table), ...(note === undefined ? [] : ["", note]), ""].join(
      "\n",
    )
  ).join("\n");

/** A table without its title; all columns but the first stand at the right. */
function linesOf({ head, rows }: Pick<Table, "head" | "rows">): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [head, head.map((_, i) => i === 0 ? "---" : "---:"), ...rows].map(line);
}
