/**
 * How much an error in each number counts where the columns of a matrix are of unequal importance:
 * by the importance of its column, and more where the number is large beside the others.
 *
 * @module
 */
const f = Math.fround;

/** The numbers of a group, and what is known of their columns and of their row. */
export interface GroupImportance {
  readonly x: Float32Array; // [group]
  /** Of its columns. */
  readonly importance: Float32Array; // [group]
  /** The mean of the squares of the whole row. */
  readonly rowSquares: number;
}

/** The mean of squares, each step rounded to f32. */
export function meanSquare(x: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares = f(squares + f(x[i]! * x[i]!));
  return f(squares / x.length);
}

/** importance * sqrt(squares + x^2), as ggml's quantisers with an importance matrix have it. */
export function errorWeights(
  { x, importance }: Pick<GroupImportance, "x" | "importance">,
  squares: number,
): Float32Array {
  return importance.map((w, i) => f(w * f(Math.sqrt(f(squares + f(x[i]! * x[i]!))))));
}

/** Beside the mean of the row. */
export const besideRow = (of: GroupImportance): Float32Array => errorWeights(of, of.rowSquares);

/** Beside twice the mean of the group. */
export const besideGroup = (of: GroupImportance): Float32Array =>
  errorWeights(of, f(2 * meanSquare(of.x)));
