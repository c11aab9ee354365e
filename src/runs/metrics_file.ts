/**
 * `metrics.jsonl`: one line of JSON for each logged update.
 *
 * @module
 */
import { encodeUtf8, exists, isObject, onDisk, writeAll, writeText } from "../io/files.ts";
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
  const lines = linesOf(path).filter((line) => stepOf(line) < firstStep);
  writeText(path, lines.map((line) => `${line}\n`).join(""));
}

/** The whole lines of the `metrics.jsonl` of a run; a number that was not finite is null in it. */
export function readMetrics(path: string): Record<string, number | null | undefined>[] {
  return linesOf(path).flatMap((line) => {
    const fields = fieldsOf(line);
    return fields ? [fields] : [];
  });
}

/** Lines of a file that may be damaged: that is no reason to lose a run. */
function linesOf(path: string): string[] {
  const bytes = onDisk(`Cannot read ${path}`, () => Deno.readFileSync(path));
  return new TextDecoder().decode(bytes).split("\n");
}

/** The fields of a line; null for one that is damaged. */
function fieldsOf(line: string): Record<string, number | null> | null {
  try {
    const fields: unknown = JSON.parse(line);
    return isObject(fields) ? fields as Record<string, number | null> : null;
  } catch {
    return null;
  }
}

/** The step of a line; infinite for the half-written last line of a killed run. */
function stepOf(line: string): number {
  const step = fieldsOf(line)?.["step"];
  return typeof step === "number" ? step : Infinity;
}

/** Writes `metrics.jsonl` as updates come. */
export function metricsListener(path: string): RunListener {
  let file: MetricsFile | null = null;
  return (event) => {
    if (event.kind === "start") file = new MetricsFile(path, event.done);
    else if (event.kind === "update") file?.append(event.metrics);
    else if (event.kind === "back") {
      file?.close();
      file = new MetricsFile(path, event.to);
    } else if (event.kind === "report" || event.kind === "end" || event.kind === "fault") {
      file?.close();
      file = null;
    }
  };
}
