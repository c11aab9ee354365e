/**
 * Quality of instruction data: what to leave out, and how different what is left is.
 *
 * @module
 */
export { countDuplicates } from "./duplicates.ts";
export * from "./diversity/report.ts";
export { TextIndex } from "./lists/buckets.ts";
export * from "../io/store/disk_list.ts";
export * from "./lists/list.ts";
export { type PairReport, PairTally } from "./pairs.ts";
export * from "./row.ts";
export * from "./steps.ts";
