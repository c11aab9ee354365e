export interface CachedSizes {
  T: number;
  H: number;
  G: number;
  D: number;
  SCALE: number;
  WINDOW: number;
  /** Scores s become CAP * tanh(s / CAP); 0 or absent where they stay as they are. */
  CAP?: number;
}

/**
 * f64 twin of attention_cached.wgsl: token t attends to the last WINDOW cache rows up to
 * position[t]; the rows of y [T, H, D] from count[0] on are 0.
 */
export function attentionCached(
  q: Float64Array, // [T, H, D]
  k: Float64Array, // [CONTEXT, G, D]
  v: Float64Array, // [CONTEXT, G, D]
  position: Uint32Array, // [T]
  count: Uint32Array, // [1]
  { T, H, G, D, SCALE, WINDOW, CAP = 0 }: CachedSizes,
): Float64Array {
  const y = new Float64Array(T * H * D);
  for (let t = 0; t < Math.min(T, count[0]!); t++) {
    for (let h = 0; h < H; h++) {
      const g = Math.floor(h / (H / G));
      const query = (t * H + h) * D;
      const first = Math.max(0, position[t]! + 1 - WINDOW);
      const scores: number[] = [];
      for (let j = first; j <= position[t]!; j++) {
        let score = 0;
        for (let c = 0; c < D; c++) score += q[query + c]! * k[(j * G + g) * D + c]!;
        scores.push(CAP > 0 ? CAP * Math.tanh(SCALE * score / CAP) : SCALE * score);
      }
      const top = Math.max(...scores);
      const sum = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
      for (const [n, score] of scores.entries()) {
        const p = Math.exp(score - top) / sum;
        for (let c = 0; c < D; c++) y[query + c]! += p * v[((first + n) * G + g) * D + c]!;
      }
    }
  }
  return y;
}
