/**
 * Tables for people: columns that line up, lines that fit the terminal.
 *
 * @module
 */

/** Columns of stdout; without a terminal a line is as long as it is. */
const WIDTH = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : Infinity;

/**
 * Rows as lines whose columns begin, or for those of `right` end, below each other; what does not
 * fit into `width` is cut.
 */
export function columns(
  rows: readonly (readonly string[])[],
  { right = [], width = WIDTH }: {
    readonly right?: readonly number[];
    readonly width?: number;
  } = {},
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    cut(
      row.map((cell, i) => right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))
        .join("  ").trimEnd(),
      width,
    )
  );
}

/** A line of at most so many columns. */
export function cut(line: string, width: number = WIDTH): string {
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}
