/**
 * Checks of what people write.
 *
 * @module
 */
export * from "npm:zod@4.6.7";
