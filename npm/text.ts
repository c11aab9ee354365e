/**
 * Files as text, in place of imports `with { type: "text" }`, which Node has not.
 *
 * @module
 */
import { readFileSync } from "node:fs";

/** The text at a `file:` address. */
export const textAt = (address: string): string => readFileSync(new URL(address), "utf8");
