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
 */
export async function* streamText(
  tokenizer: Pick<Tokenizer, "decode">,
  prompt: readonly number[],
  ids: AsyncIterable<number>,
): AsyncGenerator<string> {
  const all = [...prompt];
  let shown = tokenizer.decode(all).length;
  let text = "";
  for await (const id of ids) {
    all.push(id);
    text = tokenizer.decode(all);
    if (text.length <= shown || text.endsWith(REPLACEMENT)) continue;
    yield text.slice(shown);
    shown = text.length;
  }
  if (text.length > shown) yield text.slice(shown);
}
