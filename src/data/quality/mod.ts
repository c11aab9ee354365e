/**
 * Quality of instruction data: what to leave out, and how different what is left is.
 *
 * @module
 */
export { countDuplicates } from "./duplicates.ts";
export * from "./diversity/report.ts";
export * from "./row.ts";
export * from "./steps.ts";
