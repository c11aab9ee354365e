/**
 * `metrics.jsonl`: one line of JSON for each logged update.
 *
 * @module
 */
import { encodeUtf8, exists, onDisk, readText, writeAll, writeText } from "../io/files.ts";
import type { Metrics, RunListener } from "./events.ts";

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

/** Writes `metrics.jsonl` as updates come. */
export function metricsListener(path: string): RunListener {
  let file: MetricsFile | null = null;
  return (event) => {
    if (event.kind === "start") file = new MetricsFile(path, event.done);
    else if (event.kind === "update") file?.append(event.metrics);
    else if (event.kind === "report" || event.kind === "end" || event.kind === "fault") {
      file?.close();
      file = null;
    }
  };
}
