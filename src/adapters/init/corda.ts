/**
 * CorDA: an adapter starts as the part of its weight that matters most to what the module reads
 * (instruction-previewed), or least (knowledge-preserved), and the base loses that part (Yang et al.,
 * 2024, arXiv 2406.05223; PEFT's `preprocess_corda`).
 *
 * @module
 */
import { Matrix, SingularValueDecomposition } from "../../deps/matrix.ts";
import { type Factors, factorsOf, fromMeasured, type Init, type InputMoments } from "./init.ts";

/** A and B as they were measured. */
export const CORDA: Init = fromMeasured(true);

/** Which singular values count: the largest, or the smallest. */
export type Mode = "ipm" | "kpm";

/** The share of the mean of its diagonal that is added to the diagonal of a covariance. */
const DAMP = 0.01;

/**
 * W C = U S V^T for the covariance C of what the module reads, damped so that it can be inverted. Of
 * the first or the last `rank` components B = U sqrt(S / scale) and A = sqrt(S / scale) V^T C^-1,
 * which is U^T W / sqrt(S scale): no inverse is made.
 */
export function cordaFactors(
  w: Matrix,
  { products, samples }: InputMoments,
  { rank, scale, mode }: { readonly rank: number; readonly scale: number; readonly mode: Mode },
): Factors {
  const { u, values } = leftSingular(w.mmul(damped(products, samples, w.columns)));
  const first = mode === "ipm" ? 0 : values.length - rank;
  const own = values.slice(first, first + rank);
  const b = u.subMatrix(0, w.rows - 1, first, first + rank - 1);
  const a = b.transpose().mmul(w);
  a.mulColumnVector(own.map((value) => value > 0 ? 1 / Math.sqrt(value * scale) : 0));
  b.mulRowVector(own.map((value) => Math.sqrt(value / scale)));
  return factorsOf(b, a, () => 1);
}

/** The covariance with what is added to its diagonal. */
function damped(products: Float32Array, samples: number, width: number): Matrix {
  const covariance = new Matrix(width, width);
  for (let i = 0; i < products.length; i++) {
    covariance.set(Math.floor(i / width), i % width, products[i]! / samples);
  }
  const added = DAMP * covariance.trace() / width;
  for (let i = 0; i < width; i++) covariance.set(i, i, covariance.get(i, i) + added);
  return covariance;
}

/** As many left singular vectors as the smaller size of a matrix, the largest first. */
function leftSingular(w: Matrix): { readonly u: Matrix; readonly values: readonly number[] } {
  const found = new SingularValueDecomposition(w, {
    autoTranspose: true,
    computeRightSingularVectors: false,
  });
  const values = found.diagonal.slice(0, Math.min(w.rows, w.columns));
  return { u: found.leftSingularVectors.subMatrix(0, w.rows - 1, 0, values.length - 1), values };
}
