/**
 * SentencePiece's compiled normalisation rules, as Hugging Face's `tokenizers` applies them
 * (`normalizers/precompiled.rs` and the crate spm_precompiled).
 *
 * @module
 */

/** Longer clusters have no rule of their own: their characters are looked up one by one. */
const LONGEST_CLUSTER = 5;
/** Clusters whose outcome is kept. */
const MOST_KNOWN = 50_000;

/**
 * Reads the rules: the size of a double-array trie in bytes, the trie, then what it leads to, each
 * text ended by a zero.
 *
 * @param base64 `precompiled_charsmap` of a tokenizer.json.
 * @returns what applies them to a text.
 * @throws {SyntaxError} where it is no such map.
 */
export function readCharsmap(base64: string): (text: string) => string {
  const { trie, texts } = unpack(base64);
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const clusters = new Intl.Segmenter("en", { granularity: "grapheme" });
  const known = new Map<string, string>();

  const lookUp = (part: string): string | undefined => {
    const at = firstLeaf(trie, encoder.encode(part));
    return at === undefined ? undefined : decoder.decode(texts.subarray(at, texts.indexOf(0, at)));
  };
  const apply = (cluster: string): string => {
    const isShort = encoder.encode(cluster).length <= LONGEST_CLUSTER;
    const whole = isShort ? lookUp(cluster) : undefined;
    return whole ?? Array.from(cluster, (character) => lookUp(character) ?? character).join("");
  };
  return (text) => {
    let out = "";
    for (const { segment } of clusters.segment(text)) {
      let made = known.get(segment);
      if (made === undefined) {
        if (known.size >= MOST_KNOWN) known.clear();
        known.set(segment, made = apply(segment));
      }
      out += made;
    }
    return out;
  };
}

function unpack(base64: string): { trie: Uint32Array; texts: Uint8Array } {
  const bytes = decodeBase64(base64);
  const view = new DataView(bytes.buffer);
  const size = bytes.length >= 4 ? view.getUint32(0, true) : 0;
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length) {
    throw new SyntaxError(`Found a charsmap of ${bytes.length} bytes with a trie of ${size}`);
  }
  const trie = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { trie, texts: bytes.subarray(4 + size) };
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text);
  } catch (cause) {
    throw new SyntaxError("Found a charsmap that is no base64", { cause });
  }
}

/**
 * What the shortest rule that begins `key` leads to. A unit of the trie holds its label in the low
 * byte, whether a leaf follows in bit 8, and the offset of its children in the bits above.
 */
function firstLeaf(trie: Uint32Array, key: Uint8Array): number | undefined {
  const childrenOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let at = childrenOf(trie[0]!);
  for (const byte of key) {
    if (byte === 0) return undefined;
    at ^= byte;
    const unit = trie[at] ?? 0;
    if (((unit & 0x800000ff) >>> 0) !== byte) return undefined;
    at ^= childrenOf(unit);
    if (unit & 0x100) return trie[at]! & 0x7fffffff;
  }
  return undefined;
}
