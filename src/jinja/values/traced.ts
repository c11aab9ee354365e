/**
 * Texts that know where their characters come from: what is cut out of one, or put together of
 * several, knows it too.
 *
 * @module
 */

import { checkLength, spend, spendText } from "../budget.ts";

/** Characters of a text that are characters `from` up to `to` of a source, as they are or escaped. */
export interface Span {
  readonly begin: number;
  readonly end: number;
  /** The number of the source. */
  readonly source: number;
  readonly from: number;
  readonly to: number;
}

/** A text with what of it comes from somewhere; spans are in order and apart. */
export class Traced {
  constructor(readonly text: string, readonly spans: readonly Span[]) {}
}

/** A text, traced or not. */
export type Piece = string | Traced;

/** A text that is all of a source. */
export const tracedWhole = (text: string, source: number): Traced =>
  new Traced(text, [{ begin: 0, end: text.length, source, from: 0, to: text.length }]);

/** The text of a piece. */
export const plainText = (piece: Piece): string => typeof piece === "string" ? piece : piece.text;

/** The characters from `begin` up to `end`. */
export function cut(piece: Piece, begin: number, end = plainText(piece).length): Piece {
  if (typeof piece === "string") return piece.slice(begin, end);
  const text = piece.text.slice(begin, end);
  const spans = piece.spans.filter((span) => span.begin < end && span.end > begin)
    .map((span) => clipped(span, begin, end));
  return spans.length === 0 ? text : new Traced(text, spans);
}

function clipped(span: Span, begin: number, end: number): Span {
  const [first, last] = [Math.max(span.begin, begin), Math.min(span.end, end)];
  const isEscaped = span.end - span.begin !== span.to - span.from;
  return {
    begin: first - begin,
    end: last - begin,
    source: span.source,
    from: isEscaped ? span.from : span.from + first - span.begin,
    to: isEscaped ? span.to : span.to - (span.end - last),
  };
}

/**
 * The parts of a piece that lie one after the other, each given by its text.
 *
 * @param begins where a part begins, of which the one before has ended at `at`.
 */
export function cutInto(
  piece: Piece,
  texts: readonly string[],
  begins: (at: number, text: string) => number,
): Piece[] {
  if (typeof piece === "string") return [...texts];
  let at = 0;
  return texts.map((text, i) => {
    const begin = i === 0 && piece.text.startsWith(text) ? 0 : begins(at, text);
    at = begin + text.length;
    return cut(piece, begin, at);
  });
}

/** A text made of a piece, whose characters come from where the piece's did. */
export function remade(piece: Piece, text: string): Piece {
  if (typeof piece === "string") return text;
  if (text.length === piece.text.length) return new Traced(text, piece.spans);
  const [only, ...others] = piece.spans;
  const isWhole = only?.begin === 0 && only.end === piece.text.length && others.length === 0;
  return isWhole ? new Traced(text, [{ ...only, end: text.length }]) : text;
}

/** A piece with others in place of what a pattern finds in it. */
export function built(
  piece: Piece,
  pattern: RegExp,
  make: (found: RegExpExecArray, at: number) => Piece,
): Piece {
  const builder = new TextBuilder();
  let at = 0;
  for (const found of plainText(piece).matchAll(pattern)) {
    builder.add(cut(piece, at, found.index));
    at = found.index + found[0].length;
    builder.add(make(found, found.index));
  }
  builder.add(cut(piece, at));
  return builder.build();
}

/** A piece with others in place of what a pattern finds in it, which come from where that did. */
export function substituted(piece: Piece, pattern: RegExp, make: (found: string) => string): Piece {
  if (typeof piece === "string") return piece.replace(pattern, make);
  return built(
    piece,
    pattern,
    ([found], at) => remade(cut(piece, at, at + found.length), make(found)),
  );
}

/** Puts pieces together; each is paid for. */
export class TextBuilder {
  #text = "";
  readonly #spans: Span[] = [];

  /** @throws {RangeError} where the text grows beyond what a text may have. */
  add(piece: Piece): void {
    const text = plainText(piece);
    spend();
    spendText(text.length);
    checkLength(this.#text.length + text.length);
    const shift = this.#text.length;
    this.#text += text;
    if (typeof piece === "string") return;
    for (const span of piece.spans) {
      this.#push({ ...span, begin: span.begin + shift, end: span.end + shift });
    }
  }

  /** What goes on where the span before ended is one with it. */
  #push(span: Span): void {
    const last = this.#spans.at(-1);
    const isNext = last?.end === span.begin && last.source === span.source && last.to === span.from;
    if (isNext) this.#spans[this.#spans.length - 1] = { ...last, end: span.end, to: span.to };
    else this.#spans.push(span);
  }

  build(): Piece {
    return this.#spans.length === 0 ? this.#text : new Traced(this.#text, this.#spans);
  }
}

/** Pieces with another between them. */
export function joined(pieces: readonly Piece[], between: Piece = ""): Piece {
  const builder = new TextBuilder();
  pieces.forEach((piece, i) => {
    if (i > 0) builder.add(between);
    builder.add(piece);
  });
  return builder.build();
}
