/** f64 twin of long_context_angles.wgsl: positions, behind OFFSET in documents longer than THAN. */
export function longContextAngles(
  { start, end, position }: Record<"start" | "end" | "position", Uint32Array>, // [T] each
  { THAN, OFFSET }: { THAN: number; OFFSET: number },
): Uint32Array {
  return position.map((p, t) => end[t]! - start[t]! > THAN ? OFFSET + p : p);
}
