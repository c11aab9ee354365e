/**
 * Names of what is written beside an output.
 *
 * @module
 */

/** What `data` leaves out stands beside what it keeps. */
export const droppedBeside = (path: string): string => path.replace(/\.jsonl$/, ".dropped.jsonl");

/** The Modelfile of a GGUF file. */
export const modelfileOf = (path: string): string => path.replace(/\.gguf$/i, ".Modelfile");
