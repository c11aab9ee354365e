/**
 * Comparison with what an earlier `deno task bench --json` printed.
 *
 * @module
 */
import { cpus } from "node:os";
import { ConfigError, FileError } from "../errors.ts";
import type { Device } from "../gpu/device.ts";
import { isObject, readJsonObject } from "../io/files.ts";
import type { Measurement } from "./measure.ts";

/** What measurements are of: those of another machine or driver compare with nothing. */
export const machineOf = ({ adapter, kernelSet, matrixReads }: Device) => ({
  adapter,
  kernels: kernelSet,
  matrices: matrixReads,
  processor: cpus()[0]?.model ?? "",
  cores: cpus().length,
});

/** Milliseconds of an earlier measurement, and how many times as long it took as the one of now. */
export interface Against {
  readonly ms: number;
  readonly cpu_ms: number;
  readonly faster: number;
  readonly faster_per_cpu: number;
}

/** Earlier measurements by their names. */
export type Earlier = ReadonlyMap<string, Pick<Measurement, "ms" | "cpu_ms">>;

/**
 * The measurements in a file.
 *
 * @throws {FileError} If it holds none.
 * @throws {ConfigError} If they are of another machine, driver or way of reading matrices.
 */
export function readEarlier(path: string, machine: ReturnType<typeof machineOf>): Earlier {
  const { results, ...of } = readJsonObject(path);
  if (!Array.isArray(results) || !results.every(isMeasurement)) {
    throw new FileError(`Cannot read ${path}: wanted what deno task bench --json printed`);
  }
  for (const [key, here] of Object.entries(machine)) {
    if (of[key] === here) continue;
    const [found, wanted] = [of[key] ?? null, here].map((value) => JSON.stringify(value));
    throw new ConfigError(
      `Cannot compare with ${path}: found measurements of ${key} ${found}, wanted ${wanted} as here`,
    );
  }
  return new Map(results.map((result) => [result.name, result]));
}

const isMeasurement = (value: unknown): value is Measurement =>
  isObject(value) && typeof value["name"] === "string" &&
  [value["ms"], value["cpu_ms"]].every((ms) => typeof ms === "number" && ms > 0);

/** A measurement beside the earlier one of its name; null where there is none. */
export function against({ name, ms, cpu_ms }: Measurement, earlier: Earlier): Against | null {
  const before = earlier.get(name);
  if (!before) return null;
  const faster = { faster: before.ms / ms, faster_per_cpu: before.cpu_ms / cpu_ms };
  return { ms: before.ms, cpu_ms: before.cpu_ms, ...faster };
}
