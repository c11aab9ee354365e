/**
 * The record of a run: `metrics.jsonl`, and the same as a line to read.
 *
 * @module
 */

import type { Metric } from "../forgetting/budget.ts";
import { encodeUtf8, exists, onDisk, readText, writeAll, writeText } from "../io/files.ts";

/** What is logged of one update. Losses are in nats a token. */
export interface Metrics {
  /** Number of the update, counted from 0. */
  readonly step: number;
  /** Mean over the supervised tokens, before the update. */
  readonly loss: number;
  /** Tokens processed by this update. */
  readonly tokens: number;
  /** Learning rate of this update. */
  readonly lr: number;
  /** Norm of the gradient before clipping. */
  readonly grad_norm: number;
  /** Speed since the last line. */
  readonly tokens_per_second: number;
  /**
   * What the control text has lost when the guard last measured it, in the unit of its budget: the
   * relative rise of its perplexity, or its divergence in nats; `forgetting.NAME` of several slices.
   */
  readonly forgetting?: number;
  /** Further fields, such as the guard's. */
  readonly [field: string]: number | undefined;
}

/** The open `metrics.jsonl` of a run. */
export class MetricsFile {
  readonly #file: Deno.FsFile;

  /**
   * Opens `path` to append to it. Lines of updates from `firstStep` on are dropped, because a
   * resumed run makes these updates again.
   *
   * @throws {FileError} If the file cannot be read or written.
   */
  constructor(path: string, firstStep: number) {
    if (exists(path)) dropLines(path, firstStep);
    this.#file = onDisk(
      `Cannot write ${path}`,
      () => Deno.openSync(path, { append: true, create: true }),
    );
  }

  /** Appends one line. */
  append(metrics: Metrics): void {
    writeAll(this.#file, encodeUtf8(`${JSON.stringify(metrics)}\n`));
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  /** Closes the file at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function dropLines(path: string, firstStep: number): void {
  const lines = readText(path).split("\n").filter((line) => stepOf(line) < firstStep);
  writeText(path, lines.map((line) => `${line}\n`).join(""));
}

/** The lines of the whole `metrics.jsonl` of a run; a number that was not finite is null in it. */
export function readMetrics(path: string): Record<string, number | null | undefined>[] {
  return readText(path).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The step of a line; infinite for the half-written last line of a killed run. */
function stepOf(line: string): number {
  try {
    return JSON.parse(line).step;
  } catch {
    return Infinity;
  }
}

/** Where a run stands, for its progress line. */
export interface Progress {
  /** Number of updates of the whole run. */
  readonly steps: number;
  /** Expected seconds until the last update. */
  readonly secondsLeft: number;
  /** The guard's slices. */
  readonly slices?: readonly {
    readonly name: string;
    readonly budget: { readonly metric: Metric };
  }[];
}

/**
 * One line about an update, without colour:
 * `step  20/200  loss 1.2345  forget +1.3 %  lr 2.00e-4  norm 0.512  812 tok/s  ETA 1m05s`.
 */
export function metricsLine(
  metrics: Metrics,
  { steps, secondsLeft, slices = [] }: Progress,
): string {
  const total = String(steps);
  const forgetting = slices.flatMap(({ name, budget: { metric } }) => {
    const value = metrics[slices.length > 1 ? `forgetting.${name}` : "forgetting"];
    if (value === undefined) return [];
    const lost = metric === "ppl" ? signedPercent(value) : value.toFixed(4);
    return slices.length > 1 ? `${name} ${lost}` : lost;
  });
  return [
    `step ${String(metrics.step + 1).padStart(total.length)}/${total}`,
    `loss ${metrics.loss.toFixed(4)}`,
    ...(forgetting.length > 0 ? [`forget ${forgetting.join(" ")}`] : []),
    `lr ${metrics.lr.toExponential(2)}`,
    `norm ${metrics.grad_norm.toPrecision(3)}`,
    `${metrics.tokens_per_second.toFixed(metrics.tokens_per_second < 10 ? 1 : 0)} tok/s`,
    `ETA ${duration(secondsLeft)}`,
  ].join("  ");
}

/** A share as a signed percentage: `+1.3 %`. */
export function signedPercent(share: number): string {
  return `${share < 0 ? "" : "+"}${(100 * share).toFixed(1)} %`;
}

/** Seconds as `42s`, `1m05s` or `2h03m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  const [large, small, units] = whole < 3600
    ? [Math.floor(whole / 60), whole % 60, "ms"]
    : [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, "hm"];
  return `${large}${units[0]}${String(small).padStart(2, "0")}${units[1]}`;
}
