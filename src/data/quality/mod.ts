/**
 * Quality of instruction data: what to leave out, and how different what is left is.
 *
 * @module
 */
export * from "./diversity/report.ts";
export * from "./row.ts";
export * from "./steps.ts";
