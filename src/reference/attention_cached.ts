export interface CachedSizes {
  T: number;
  H: number;
  G: number;
  D: number;
  CONTEXT: number;
  SCALE: number;
  WINDOW: number;
  /** Scores s become CAP * tanh(s / CAP); 0 or absent where they stay as they are. */
  CAP?: number;
  /** Added to the scores: column CONTEXT + key - position of row h, [H, 2 * CONTEXT]. */
  bias?: Float64Array;
}

/**
 * f64 twin of attention_cached.wgsl: token t attends to the last WINDOW rows of its slot
 * up to position[t]; the rows of y [T, H, D] from count[0] on are 0.
 */
export function attentionCached(
  q: Float64Array, // [T, H, D]
  k: Float64Array, // [SLOTS, CONTEXT, G, D]
  v: Float64Array, // [SLOTS, CONTEXT, G, D]
  slot: Uint32Array, // [T]
  position: Uint32Array, // [T]
  count: Uint32Array, // [1]
  { T, H, G, D, CONTEXT, SCALE, WINDOW, CAP = 0, bias }: CachedSizes,
): Float64Array {
  const y = new Float64Array(T * H * D);
  for (let t = 0; t < Math.min(T, count[0]!); t++) {
    const row = (j: number, g: number) => ((slot[t]! * CONTEXT + j) * G + g) * D;
    for (let h = 0; h < H; h++) {
      const g = Math.floor(h / (H / G));
      const query = (t * H + h) * D;
      const first = Math.max(0, position[t]! + 1 - WINDOW);
      const scores: number[] = [];
      for (let j = first; j <= position[t]!; j++) {
        let score = 0;
        for (let c = 0; c < D; c++) score += q[query + c]! * k[row(j, g) + c]!;
        const capped = CAP > 0 ? CAP * Math.tanh(SCALE * score / CAP) : SCALE * score;
        scores.push(capped + (bias?.[(2 * h + 1) * CONTEXT + j - position[t]!] ?? 0));
      }
      const top = Math.max(...scores);
      const sum = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
      for (const [n, score] of scores.entries()) {
        const p = Math.exp(score - top) / sum;
        for (let c = 0; c < D; c++) y[query + c]! += p * v[row(first + n, g) + c]!;
      }
    }
  }
  return y;
}
