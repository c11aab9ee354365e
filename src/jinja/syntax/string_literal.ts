/**
 * String literals as Jinja reads them: Python's escapes, others as they are written.
 *
 * @module
 */

const ESCAPE = /\\(?:\n|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{1,3}|[^])/g;
const NAMED: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * The text that a literal stands for.
 *
 * @param literal without its quotes.
 * @throws {SyntaxError} for half an escape.
 */
export function unescaped(literal: string): string {
  return literal.replace(ESCAPE, (escape) => {
    const kind = escape[1]!;
    if (/[0-7]/.test(kind)) return String.fromCodePoint(parseInt(escape.slice(1), 8));
    if (escape.length > 2) return character(escape, parseInt(escape.slice(2), 16));
    if ("xuUN".includes(kind)) throw new SyntaxError(`half an escape \\${kind} in a string`);
    return NAMED[kind] ?? escape;
  });
}

function character(escape: string, code: number): string {
  if (code <= 0x10ffff) return String.fromCodePoint(code);
  throw new SyntaxError(`the escape ${escape}, which is no character`);
}
