/**
 * The metadata of an open GGUF file, key by key, so that a fault names the file and the key.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import type { GgufFile, PlainValue } from "./reader.ts";

/** Typed reads of metadata. */
export class Fields {
  constructor(readonly file: GgufFile) {}

  /** A whole number; `fallback` where the key is absent. */
  count(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (Number.isSafeInteger(value) && value as number >= 0) return value as number;
    return this.refuse(key, "a whole number");
  }

  /** A whole number; undefined where the key is absent. */
  countIf(key: string): number | undefined {
    return this.file.metadata.has(key) ? this.count(key) : undefined;
  }

  /** A number, as the shortest decimal that the stored f32 stands for. */
  float(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    return typeof value === "number" ? shortest(value) : this.refuse(key, "a number");
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#value(key, fallback);
    return typeof value === "boolean" ? value : this.refuse(key, "true or false");
  }

  text(key: string, fallback?: string): string {
    const value = this.#value(key, fallback);
    return typeof value === "string" ? value : this.refuse(key, "a text");
  }

  list<Item extends "string" | "number">(key: string, kind: Item) {
    const value = this.#value(key, undefined);
    const isList = Array.isArray(value) && value.every((item) => typeof item === kind);
    return (isList ? value : this.refuse(key, `a list of ${kind}s`)) as (
      Item extends "string" ? string : number
    )[];
  }

  refuse(key: string, wanted: string): never {
    const value = this.file.metadata.get(key);
    const found = value === undefined ? "missing" : shown(value);
    throw new FileError(`Cannot use ${this.file.path}: "${key}" is ${found}, wanted ${wanted}`);
  }

  #value(key: string, fallback: PlainValue | undefined): PlainValue | undefined {
    return this.file.metadata.get(key) ?? fallback;
  }
}

function shown(value: PlainValue): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** 1e-5 out of the f32 next to it, 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
