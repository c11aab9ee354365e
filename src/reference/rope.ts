/** f64 twin of rope.wgsl: x with the first ROTARY elements of each head turned by its position. */
export function rope(
  x: Float64Array, // [T, H, D]
  position: Uint32Array, // [T]
  angles: Float64Array, // [positions, ROTARY]: cosines, then sines
  { T, H, D, ROTARY, SIGN }: { T: number; H: number; D: number; ROTARY: number; SIGN: 1 | -1 },
): Float64Array {
  const y = x.slice();
  for (let t = 0; t < T; t++) {
    for (let h = 0; h < H; h++) {
      for (let k = 0; k < ROTARY / 2; k++) {
        const cosine = angles[position[t]! * ROTARY + k]!;
        const sine = SIGN * angles[position[t]! * ROTARY + ROTARY / 2 + k]!;
        const first = (t * H + h) * D + k;
        const second = first + ROTARY / 2;
        y[first] = x[first]! * cosine - x[second]! * sine;
        y[second] = x[second]! * cosine + x[first]! * sine;
      }
    }
  }
  return y;
}
