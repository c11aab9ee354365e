/**
 * Names of settings.
 *
 * @module
 */
import type { Json } from "../engine/study.ts";

/** Values by dotted keys of the config. */
export type Setting = Readonly<Record<string, Json>>;

/** A setting in words that can be the name of a file: keys by their last part where that is enough. */
export function nameOf(setting: Setting): string {
  const keys = Object.keys(setting);
  return keys.map((key) => {
    const value = setting[key]!;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return `${shortKey(key, keys)} ${text.replaceAll(/[^\w.+-]+/g, "-")}`;
  }).join(" ");
}

/** The last part of a dotted key, or all of it where another key has the same last part. */
export function shortKey(key: string, keys: readonly string[]): string {
  const last = (of: string) => of.slice(of.lastIndexOf(".") + 1);
  return keys.some((other) => other !== key && last(other) === last(key)) ? key : last(key);
}
