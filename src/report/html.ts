/**
 * HTML from templates: what is put into one is escaped, unless it is HTML itself.
 *
 * @module
 */

/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

/** What a template takes: text and numbers are escaped, lists are joined, null is nothing. */
export type Piece = Html | string | number | null | readonly Piece[];

/** A template of HTML: markup`<p title="${title}">${text}</p>`. */
export function markup(parts: TemplateStringsArray, ...pieces: Piece[]): Html {
  const texts = pieces.map((piece, i) => `${textOf(piece)}${parts[i + 1]}`);
  return new Html(`${parts[0]}${texts.join("")}`);
}

/** JSON for a script element, which nothing in it can end. */
export const jsonScript = (value: unknown): Html =>
  new Html(JSON.stringify(value).replaceAll("<", "\\u003c"));

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function textOf(piece: Piece): string {
  if (piece === null) return "";
  if (piece instanceof Html) return piece.text;
  if (typeof piece === "object") return piece.map(textOf).join("");
  return printable(String(piece)).replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}

/** Control characters, which HTML cannot hold, as their pictures. */
const printable = (text: string): string =>
  text.toWellFormed()
    .replace(/(?![\t\n])\p{Cc}/gu, (sign) => {
      const code = sign.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\ufffd";
    });

/**
 * A table with its caption; the first cell of a row is its heading.
 *
 * @param kind of words, which are read from the left and broken, or of numbers.
 */
export function table(
  caption: string,
  columns: readonly Piece[],
  rows: readonly (readonly Piece[])[],
  kind: "numbers" | "words" = "numbers",
): Html {
  const head = columns.map((column) => markup`<th scope="col">${column}</th>`);
  const body = rows.map(([first = null, ...rest]) => {
    const cells = rest.map((cell) => markup`<td>${cell}</td>`);
    return markup`<tr><th scope="row">${first}</th>${cells}</tr>\n`;
  });
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="${kind}">
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table></div>`;
}

/** Something that is opened by a click. */
export const details = (summary: Piece, content: Piece): Html =>
  markup`<details><summary>${summary}</summary>${content}</details>`;
