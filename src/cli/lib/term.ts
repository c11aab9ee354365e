/**
 * What the commands print: progress goes to stderr, results go to stdout.
 *
 * @module
 */

import { visible } from "../../io/visible.ts";

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

/** How many characters a line of the terminal holds. */
export function columns(): number {
  return isTerminal ? Deno.consoleSize().columns - 1 : Infinity;
}

/** Whether the terminal's last line is one that the next replaces. */
let isReplaced = false;

/** A line of progress. */
export function say(line: string): void {
  clearStatus();
  console.error(printable(line));
}

/** A line that the next one replaces, unless it is the last; for terminals only. */
export function status(line: string, last: boolean): void {
  draw(`\r\x1b[K${printable(line)}${last ? "\n" : ""}`);
  isReplaced = !last;
}

/** Takes away a line that would have been replaced. */
export function clearStatus(): void {
  if (isReplaced) draw("\r\x1b[K");
  isReplaced = false;
}

function draw(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

/** A line of the result. */
export function answer(line: string): void {
  clearStatus();
  console.log(printable(line));
}

/** A part of the result, without a line end, at once. */
export function show(text: string): void {
  clearStatus();
  const bytes = new TextEncoder().encode(printable(text));
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

/**
 * Stands for the beginning of our own codes until a line is printed: a text that came from elsewhere
 * cannot know it, so whatever codes it has are escaped.
 */
const CODE = crypto.randomUUID();

function style(code: number, text: string): string {
  return colour ? styled(String(code), text) : text;
}

/** Text between two of our own codes, of whatever terminal it is for. */
export function styled(code: string, text: string): string {
  return `${CODE}${code}m${text}${CODE}0m`;
}

/** What may be printed of a line: all but our own codes is text. */
const printable = (line: string): string => visible(line).replaceAll(CODE, "\x1b[");
