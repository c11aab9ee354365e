/**
 * OLoRA: an adapter starts as the first columns and rows of the QR decomposition of its weight
 * (Büyükakyüz, 2024, arXiv 2406.01775; PEFT's `olora_init`).
 *
 * @module
 */
import { orthogonal } from "./decompose.ts";
import { factorsOf, type Init, weightOf } from "./init.ts";

/**
 * W = Q R, of which B is the first `rank` columns of Q and A as many rows of R. They follow from as
 * many columns of W: A = B^T W.
 */
export const OLORA: Init = {
  isOfBase: true,
  factors({ name, rank }, _seed, base) {
    const w = weightOf(base, name);
    const b = orthogonal(w.subMatrix(0, w.rows - 1, 0, rank - 1));
    return factorsOf(b, b.transpose().mmul(w), () => 1);
  },
};
