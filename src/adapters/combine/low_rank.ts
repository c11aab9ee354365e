/**
 * The nearest matrix of a rank, as the two factors of an update.
 *
 * @module
 */
import { Matrix, QrDecomposition, SingularValueDecomposition } from "../../deps/matrix.ts";

/** An update [out, in] as b [out, rank] a [rank, in], row-major. */
export interface Factors {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** What is left of a matrix at a rank. */
export interface Truncated extends Factors {
  /** Sums of squares: of the whole matrix, and of what the rank has no room for. */
  readonly squares: { readonly whole: number; readonly lost: number };
}

interface Decomposed {
  /** Columns of unit length, [out, n]. */
  readonly left: Matrix;
  readonly values: readonly number[];
  /** Columns of unit length, [in, n]. */
  readonly right: Matrix;
}

/** The nearest matrix of `rank` to one of [out, in] (Eckart and Young, 1936): b = U S, a = V^T. */
export function nearestTo(
  numbers: Float64Array,
  { out, rank }: { readonly out: number; readonly rank: number },
): Truncated {
  const matrix = Matrix.from1DArray(out, numbers.length / out, numbers as unknown as number[]);
  return truncated(decomposed(matrix), rank);
}

/**
 * {@link nearestTo} of a product b a, which is never made: of b = Q R and a^T = P S it is the
 * decomposition of R S^T that counts. The inner size may be at most that of out and in.
 */
export function nearestToProduct(b: Matrix, a: Matrix, rank: number): Truncated {
  const [first, second] = [new QrDecomposition(b), new QrDecomposition(a.transpose())];
  const core = first.upperTriangularMatrix.mmul(second.upperTriangularMatrix.transpose());
  const { left, values, right } = decomposed(core);
  return truncated({
    left: first.orthogonalMatrix.mmul(left),
    values,
    right: second.orthogonalMatrix.mmul(right),
  }, rank);
}

function decomposed(matrix: Matrix): Decomposed {
  const found = new SingularValueDecomposition(matrix, { autoTranspose: true });
  return {
    left: found.leftSingularVectors,
    values: found.diagonal,
    right: found.rightSingularVectors,
  };
}

function truncated({ left, values, right }: Decomposed, rank: number): Truncated {
  const squares = (from: number) => values.slice(from).reduce((sum, x) => sum + x * x, 0);
  const b = Float32Array.from(
    { length: left.rows * rank },
    (_, i) => left.get(Math.floor(i / rank), i % rank) * values[i % rank]!,
  );
  const a = Float32Array.from(
    { length: rank * right.rows },
    (_, i) => right.get(i % right.rows, Math.floor(i / right.rows)),
  );
  return { a, b, squares: { whole: squares(0), lost: squares(rank) } };
}
