/**
 * Kinds of values that several sections of the configuration table have.
 *
 * @module
 */
import { resolve } from "node:path";
import { z } from "../deps/zod.ts";

/** The JSON Schema format of paths, by which the other files know them. */
export const PATH = "path";

/** The same of places that may be on the hub. */
export const PLACE = "folder or repository";

/** The same of rows, which may be a dataset on the hub. */
export const DATA = "file, folder, pattern or dataset";

/** A path that a config file gives relative to itself. */
export const path = (help: string) =>
  z.string().min(1).meta({ description: help, format: PATH }).transform((path) => resolve(path));

/** The same of a place that a repository of the hub may be. */
export const place = (help: string) => z.string().min(1).meta({ description: help, format: PLACE });

/** The same of rows. */
export const rows = (help: string) => z.string().min(1).meta({ description: help, format: DATA });

export const name = z.string().min(1);
export const count = z.int().min(1);
/** What f32 on the device can compute with, within its range of 1e38. */
export const positive = z.number().positive().lte(1e30);
export const notNegative = z.number().gte(0).lte(1e30);
export const tokens = z.int().positive().multipleOf(8);
export const seed = z.int().min(0).max(2 ** 32 - 1);

/** A regular expression, as JavaScript has it. */
export const pattern = z.string().min(1)
  .refine((text) => isPattern(text), { error: "found no regular expression, wanted one" });

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
