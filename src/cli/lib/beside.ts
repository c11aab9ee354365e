/**
 * Names of what is written beside an output.
 *
 * @module
 */

/** What `data` leaves out stands beside what it keeps. */
export const droppedBeside = (path: string): string => path.replace(/\.jsonl$/, ".dropped.jsonl");

/** The Modelfile of a GGUF file. */
export const modelfileOf = (path: string): string => path.replace(/\.gguf$/i, ".Modelfile");

/** What is certified of a GGUF file. */
export const certificateOf = (path: string): string =>
  path.replace(/\.gguf$/i, ".certificate.json");

/** The importance matrix that was taken for a GGUF file. */
export const imatrixOf = (path: string): string => path.replace(/\.gguf$/i, ".imatrix.gguf");
