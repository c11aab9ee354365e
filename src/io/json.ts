/**
 * What JSON.parse does not mind in a file from the network: nesting that fills the memory or the
 * stack, and a key that comes twice. Both read the text once, character by character.
 *
 * @module
 */

/** More than any file of Hugging Face has. */
export const MAX_DEPTH = 100;

/** Whether arrays and objects lie deeper than {@linkcode MAX_DEPTH} in each other. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') i = endOfString(text, i);
    else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** The first key that appears twice in one object of valid JSON `text`, which JSON.parse hides. */
export function duplicateKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "{") open.push(new Set());
    else if (c === "}") open.pop();
    if (c !== '"') continue;
    const end = endOfString(text, i);
    let next = end + 1;
    while (" \t\n\r".includes(text[next] ?? "x")) next++;
    if (text[next] === ":") {
      const key: string = JSON.parse(text.slice(i, end + 1));
      const keys = open.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
    i = end;
  }
  return undefined;
}

/** The place of the quote that ends the string which begins at `begin`. */
function endOfString(text: string, begin: number): number {
  for (let end = begin;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return end;
  }
}

/** A value of a file as a word: a string as it is. `String` throws where a field is named `toString`. */
export const wordOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value) ?? "nothing";
