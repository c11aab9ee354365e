/**
 * Decompositions of dense matrices, in f64.
 *
 * @module
 */
export { Matrix, QrDecomposition, SingularValueDecomposition } from "npm:ml-matrix@6.15.1";
