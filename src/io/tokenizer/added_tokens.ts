/**
 * The tokens that are looked for in a text before its tokenizer's model sees it, by the rules of
 * Hugging Face's `tokenizers` (`added_vocabulary.rs`).
 *
 * @module
 */

/** An entry of `added_tokens` in `tokenizer.json`. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  /** Whether it is looked for in the normalised text; by default where it is not special. */
  readonly normalized?: boolean;
  /** Whether it takes the white space before it, and after it. */
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  /** Whether it is passed over inside a word. */
  readonly single_word?: boolean;
}

/** A part of a text: an added token, or what lies between two. */
export type Piece = { readonly text: string; readonly from: number } | { readonly id: number };

/** Added tokens by their UTF-16 code units. */
interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

const SPACE = /\p{White_Space}/u;
const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
const WORD_BEFORE = new RegExp(`${WORD}$`, "u");
const WORD_AFTER = new RegExp(`^${WORD}`, "u");

interface Match {
  readonly token: AddedToken;
  readonly begin: number;
  readonly end: number;
}

/** Finds tokens in a text, from the left, the longest first. */
export class AddedTokens {
  readonly #root: Node = { next: new Map() };

  /** Each token with the text to look for: its content, or that normalised. */
  constructor(tokens: Iterable<readonly [string, AddedToken]>) {
    for (const [content, token] of tokens) {
      let node = this.#root;
      for (let i = 0; i < content.length; i++) {
        const unit = content.charCodeAt(i);
        let next = node.next.get(unit);
        if (!next) node.next.set(unit, next = { next: new Map() });
        node = next;
      }
      if (node !== this.#root) node.token = token;
    }
  }

  /**
   * The text in pieces, in order. White space that a token takes is in no text, but a token that is
   * white space is still found there.
   */
  split(text: string): Piece[] {
    const pieces: Piece[] = [];
    let done = 0;
    const addText = (to: number) => {
      if (to > done) pieces.push({ text: text.slice(done, to), from: done });
    };
    for (let at = 0; at < text.length;) {
      const found = this.#longestAt(text, at);
      at = found ? found.end : at + 1;
      if (!found) continue;
      let { begin, end, token: { id, lstrip, rstrip, single_word } } = found;
      if (single_word && isInWord(text, begin, end)) continue;
      while (lstrip && begin > done && SPACE.test(text[begin - 1]!)) begin--;
      while (rstrip && end < text.length && SPACE.test(text[end]!)) end++;
      addText(begin);
      pieces.push({ id });
      done = end;
    }
    addText(text.length);
    return pieces;
  }

  #longestAt(text: string, begin: number): Match | undefined {
    let node: Node | undefined = this.#root;
    let found: Match | undefined;
    for (let end = begin; (node = node.next.get(text.charCodeAt(end)));) {
      end++;
      if (node.token) found = { token: node.token, begin, end };
    }
    return found;
  }
}

function isInWord(text: string, begin: number, end: number): boolean {
  const before = text.slice(Math.max(0, begin - 2), begin); // a character has two units at most
  return WORD_BEFORE.test(before) || WORD_AFTER.test(text.slice(end, end + 2));
}
