// hash: MurmurHash3 x86_32 (Austin Appleby, public domain) over 32-bit words, one word at a time.
//
// hash_end(hash_word(hash_word(seed, a), b), 2) is hash(seed, [a, b]) of src/random.ts, bit for bit.
fn hash_word(h: u32, word: u32) -> u32 {
  let k = word * 0xcc9e2d51u;
  let mixed = h ^ (((k << 15) | (k >> 17)) * 0x1b873593u);
  return ((mixed << 13) | (mixed >> 19)) * 5 + 0xe6546b64u;
}
fn hash_end(h: u32, words: u32) -> u32 {
  var x = h ^ (4 * words);
  x = (x ^ (x >> 16)) * 0x85ebca6bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return x ^ (x >> 16);
}
