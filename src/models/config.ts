/**
 * Reads a checkpoint's `config.json` field by field, so that a fault names the file and the key.
 *
 * @module
 */
import { FileError } from "../errors.ts";

/** The kernels compute in f32, where squares of larger numbers are infinite. */
const LARGEST_NUMBER = 1e18;

/** Smaller ones are none beside the squares that they are added to. */
const SMALLEST_EPSILON = 1e-30;

/** Sizes and positions are 32-bit numbers in the kernels. */
const LARGEST_COUNT = 2 ** 31 - 1;

/** The fields of one `config.json`. */
export class ConfigReader {
  constructor(readonly file: string, readonly fields: Readonly<Record<string, unknown>>) {}

  /** A whole number from one to `most`; `fallback` where the key is absent or null. */
  count(key: string, fallback?: number, most = LARGEST_COUNT): number {
    const value = this.number(key, fallback);
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      const wanted = most === LARGEST_COUNT ? "from 1 on" : `from 1 to ${most}`;
      this.refuse(key, value, `a whole number ${wanted}`);
    }
    return value;
  }

  /** A whole number of at least one; undefined where the key is null, `fallback` where absent. */
  countOrNull(key: string, fallback?: number): number | undefined {
    const value = this.fields[key] === undefined ? fallback : this.fields[key];
    return value === undefined || value === null ? undefined : this.count(key, fallback);
  }

  /** A number above 0 that f32 can compute with; `fallback` where the key is absent or null. */
  positive(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (value > 0 && value <= LARGEST_NUMBER) return value;
    this.refuse(key, value, `a number above 0, at most ${LARGEST_NUMBER}`);
  }

  /** The same; undefined where the key is null, `fallback` where absent. */
  positiveOrNull(key: string, fallback?: number): number | undefined {
    const value = this.fields[key] === undefined ? fallback : this.fields[key];
    return value === undefined || value === null ? undefined : this.positive(key, fallback);
  }

  /** What a norm adds to a mean of squares. */
  epsilon(key: string, fallback?: number): number {
    const value = this.number(key, fallback);
    if (value >= SMALLEST_EPSILON && value <= 1) return value;
    this.refuse(key, value, `a number from ${SMALLEST_EPSILON} to 1`);
  }

  number(key: string, fallback?: number): number {
    const value = this.fields[key] ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value)) this.refuse(key, value, "a number");
    return value as number;
  }

  /** A token id below `vocabSize`. */
  id(key: string, vocabSize: number, fallback: number): number {
    const value = this.number(key, fallback);
    if (!(Number.isInteger(value) && value >= 0 && value < vocabSize)) {
      this.refuse(key, value, `a whole number below the vocabulary of ${vocabSize}`);
    }
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.fields[key] ?? fallback;
    if (typeof value !== "boolean") this.refuse(key, value, "true or false");
    return value as boolean;
  }

  /** Refuses a field that is set to anything but the values that this build understands. */
  only(key: string, known: readonly unknown[]): void {
    const value = this.fields[key];
    if (value === undefined || known.includes(value)) return;
    this.refuse(key, value, known.map((k) => JSON.stringify(k)).join(" or "));
  }

  /** A list of one entry for each of `length` things; undefined where absent or null. */
  list(key: string, length: number): readonly unknown[] | undefined {
    const value = this.fields[key] ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length !== length) {
      this.refuse(key, value, `a list of ${length} entries`);
    }
    return value as unknown[];
  }

  /** A nested object; undefined where absent or null. */
  section(key: string): ConfigReader | undefined {
    const value = this.fields[key] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== "object") this.refuse(key, value, "an object");
    return new ConfigReader(this.file, value as Record<string, unknown>);
  }

  refuse(key: string, found: unknown, wanted: string): never {
    throw new FileError(`${this.file}: "${key}" is ${JSON.stringify(found)}, wanted ${wanted}`);
  }
}
