/**
 * `metrics.jsonl`: one line of JSON for each logged update.
 *
 * @module
 */
import { appendText, exists, isObject, readBytes, writeText } from "../io/files.ts";
import type { Metrics, RunListener } from "./events.ts";

/** The `metrics.jsonl` of a run. */
export class MetricsFile {
  /**
   * Lines of updates from `firstStep` on are dropped, because a resumed run makes these updates
   * again.
   *
   * @throws {FileError} If the file cannot be read or written.
   */
  constructor(private readonly path: string, firstStep: number) {
    if (exists(path)) dropLines(path, firstStep);
    else appendText(path, "");
  }

  /**
   * Appends one line.
   *
   * @throws {FileError} If the disk refuses; nothing of the line is there then.
   */
  append(metrics: Metrics): void {
    appendText(this.path, `${JSON.stringify(metrics)}\n`);
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
  return new TextDecoder().decode(readBytes(path)).split("\n");
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
    else if (event.kind === "back") file = new MetricsFile(path, event.to);
  };
}
