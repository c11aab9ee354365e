/** Twin of halt.wgsl: whether updates are halted, now or since before. */
export function halt(norm: number, halted: number): number {
  return Number.isFinite(norm) ? halted : 1;
}
