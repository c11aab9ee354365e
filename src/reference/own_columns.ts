/** f64 twin of own_columns.wgsl. */

/** z [T, width] times the scale of its column where row and column have one owner, else 0. */
export function ownColumns(
  z: Float64Array, // [T, width]
  scale: Float64Array, // [width]
  owner: Float64Array, // [width]
  of: ArrayLike<number>, // [T]
): Float64Array {
  const width = scale.length;
  return z.map((value, i) => {
    const column = i % width;
    return owner[column] === of[Math.floor(i / width)] ? value * scale[column]! : 0;
  });
}
