/**
 * Decompositions of a matrix of which only the first components are wanted.
 *
 * @module
 */
import { Matrix, QrDecomposition, SingularValueDecomposition } from "../../deps/matrix.ts";

/** Singular values and vectors of a matrix [m, n], the largest first. */
export interface Singular {
  readonly u: Matrix; // [m, rank]
  readonly values: readonly number[]; // [rank]
  readonly vt: Matrix; // [rank, n]
}

/** The first `rank` singular values and vectors. */
export function singular(w: Matrix, rank: number): Singular {
  const found = new SingularValueDecomposition(w, { autoTranspose: true });
  return {
    u: found.leftSingularVectors.subMatrix(0, w.rows - 1, 0, rank - 1),
    values: found.diagonal.slice(0, rank),
    vt: found.rightSingularVectors.subMatrix(0, w.columns - 1, 0, rank - 1).transpose(),
  };
}

/**
 * The same, nearly, from products of the rank's width, by so many power iterations from random
 * numbers.
 *
 * Method: randomised subspace iteration (Halko et al., 2011, arXiv 0909.4061, algorithms 4.4 and
 * 5.1), as torch's `svd_lowrank` has it.
 *
 * @param random the i-th normal number.
 */
export function nearlySingular(
  w: Matrix,
  { rank, iterations, random }: {
    readonly rank: number;
    readonly iterations: number;
    readonly random: (i: number) => number;
  },
): Singular {
  if (w.rows < w.columns) {
    const { u, values, vt } = nearlySingular(w.transpose(), { rank, iterations, random });
    return { u: vt.transpose(), values, vt: u.transpose() };
  }
  const turned = w.transpose();
  const start = new Matrix(w.columns, rank);
  for (let i = 0; i < w.columns * rank; i++) {
    start.set(Math.floor(i / rank), i % rank, random(i));
  }
  let basis = orthogonal(w.mmul(start));
  for (let i = 0; i < iterations; i++) {
    basis = orthogonal(w.mmul(orthogonal(turned.mmul(basis))));
  }
  const { u, values, vt } = singular(basis.transpose().mmul(w), rank);
  return { u: basis.mmul(u), values, vt };
}

/** An orthonormal basis of the columns of a matrix that has no more columns than rows. */
export const orthogonal = (w: Matrix): Matrix => new QrDecomposition(w).orthogonalMatrix;
