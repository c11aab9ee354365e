/**
 * Token ids to text as they come.
 *
 * @module
 */
import type { Tokenizer } from "../io/tokenizer/tokenizer.ts";

/** What a tokenizer decodes a character's first bytes to while the rest is missing. */
const REPLACEMENT = "\ufffd";

/**
 * Yields the text that each id adds to the prompt. All ids so far are decoded each time, for a
 * token's text depends on its neighbours: alone, many tokenizers drop its leading space, and the
 * bytes of one character may be spread over several tokens, which are held back until it is whole.
 *
 * @param stops Texts that end it and are no part of it; what may begin one is held back too.
 */
export async function* streamText(
  tokenizer: Pick<Tokenizer, "decode">,
  prompt: readonly number[],
  ids: AsyncIterable<number>,
  stops: readonly string[] = [],
): AsyncGenerator<string> {
  const all = [...prompt];
  const begin = tokenizer.decode(all).length;
  let shown = 0;
  let text = "";
  for await (const id of ids) {
    all.push(id);
    text = tokenizer.decode(all).slice(begin);
    if (text.endsWith(REPLACEMENT)) continue;
    const stop = stopAt(text, stops);
    const end = stop >= 0 ? stop : text.length - heldBack(text, stops);
    if (end > shown) yield text.slice(shown, end);
    if (stop >= 0) return;
    shown = Math.max(shown, end);
  }
  if (text.length > shown) yield text.slice(shown);
}

/** Where the first of some texts begins; -1 where none of them is there. */
export function stopAt(text: string, stops: readonly string[]): number {
  const found = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return found.length > 0 ? Math.min(...found) : -1;
}

/** How many characters at the end may be the beginning of one of some texts. */
function heldBack(text: string, stops: readonly string[]): number {
  const most = Math.max(0, ...stops.map(({ length }) => length - 1));
  for (let length = Math.min(most, text.length); length > 0; length--) {
    const ending = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(ending))) return length;
  }
  return 0;
}
