/**
 * What the commands print: progress goes to stderr, results go to stdout.
 *
 * @module
 */

/** Whether progress goes to a terminal. */
export const isTerminal: boolean = Deno.stderr.isTerminal();

/** Whether stderr shows colour: a terminal, and no `NO_COLOR`. */
export const colour: boolean = isTerminal && !Deno.noColor;

/** Bold on stderr, where it shows colour. */
export const bold = (text: string): string => style(1, text);
/** Dim on stderr, where it shows colour. */
export const dim = (text: string): string => style(2, text);
/** Red on stderr, where it shows colour. */
export const red = (text: string): string => style(31, text);

/** A line of progress. */
export function say(line: string): void {
  console.error(line);
}

/** A line that the next one replaces, unless it is the last; for terminals only. */
export function status(line: string, last: boolean): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${line}${last ? "\n" : ""}`));
}

/** A line of the result. */
export function answer(line: string): void {
  console.log(line);
}

/** What moves a terminal's cursor or worse; a line end and a tab are as good as printed. */
const CONTROL = /(?![\n\t])\p{Cc}/gu;

/** A part of the result, without a line end, at once. */
export function show(text: string): void {
  const shown = Deno.stdout.isTerminal() ? text.replace(CONTROL, "\ufffd") : text;
  const bytes = new TextEncoder().encode(shown);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

function style(code: number, text: string): string {
  return colour ? `\x1b[${code}m${text}\x1b[0m` : text;
}
