/** f64 twin of probe_texture.wgsl: x + words. */
export function probeTexture(x: Float64Array, words: Uint32Array): Float64Array {
  return x.map((value, i) => value + words[i]!);
}
