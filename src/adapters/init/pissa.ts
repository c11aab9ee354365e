/**
 * PiSSA: an adapter starts as the largest singular values of its weight (Meng et al., 2024, arXiv
 * 2404.02948; PEFT's `pissa_init`).
 *
 * @module
 */
import { normal } from "../../random.ts";
import { nearlySingular, singular } from "./decompose.ts";
import { factorsOf, type Init, weightOf } from "./init.ts";

/**
 * W = U S V^T, of whose first `rank` components B = U sqrt(S / scale) and A = sqrt(S / scale) V^T.
 *
 * @param iterations power iterations of the fast decomposition; the exact one where absent.
 */
export const pissa = (iterations?: number): Init => ({
  isOfBase: true,
  factors({ name, rank, scale, index }, seed, base) {
    const w = weightOf(base, name);
    const random = (i: number) => normal(seed, index, i);
    const { u, values, vt } = iterations === undefined
      ? singular(w, rank)
      : nearlySingular(w, { rank, iterations, random });
    return factorsOf(u, vt, (component) => Math.sqrt(values[component]! / scale));
  },
});
