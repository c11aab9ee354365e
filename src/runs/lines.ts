/**
 * Events as lines to read: what the terminal shows of a run, and what `log.txt` keeps.
 *
 * @module
 */
import type { Column, Metrics, RunListener } from "./events.ts";

/** Where a run stands, for its progress line. */
export interface Progress {
  /** Number of updates of the whole run. */
  readonly steps: number;
  /** Expected seconds until the last update. */
  readonly secondsLeft: number;
  readonly columns?: readonly Column[];
}

/** Gives each event that has something to read to `take`, as a line. */
export function linesListener(take: (line: string) => void): RunListener {
  let progress: Omit<Progress, "secondsLeft"> = { steps: 0 };
  return (event) => {
    if (event.kind === "start") progress = event;
    else if (event.kind === "log") take(event.line);
    else if (event.kind === "update") take(metricsLine(event.metrics, { ...progress, ...event }));
    else if (event.kind === "back") {
      const { reason, to, rate, blackBox } = event;
      const look = blackBox === null ? "" : `; what is known of it is in ${blackBox}`;
      const slower = rate === 1 ? "" : `, with ${rate} of the learning rate`;
      take(`${reason}: back to ${to} updates${slower}${look}`);
    } else if (event.kind === "sample") {
      for (const { prompt, text } of event.samples) {
        take(`sample ${JSON.stringify(prompt)} -> ${JSON.stringify(text)}`);
      }
    }
  };
}

/**
 * One line about an update, without colour:
 * `step  20/200  loss 1.2345  forget +1.3 %  lr 2.00e-4  norm 0.512  812 tok/s  ETA 1m05s`.
 */
export function metricsLine(
  metrics: Metrics,
  { steps, secondsLeft, columns = [] }: Progress,
): string {
  const total = String(steps);
  return [
    `step ${String(metrics.step + 1).padStart(total.length)}/${total}`,
    `loss ${metrics.loss.toFixed(4)}`,
    ...shown(metrics, columns),
    `lr ${metrics.lr.toExponential(2)}`,
    `norm ${metrics.grad_norm.toPrecision(3)}`,
    `${metrics.tokens_per_second.toFixed(metrics.tokens_per_second < 10 ? 1 : 0)} tok/s`,
    `ETA ${duration(secondsLeft)}`,
  ].join("  ");
}

/** The columns whose fields are known, those of one label together. */
function shown(metrics: Metrics, columns: readonly Column[]): string[] {
  const byLabel = new Map<string, string[]>();
  for (const { field, label, of, unit } of columns) {
    const value = metrics[field];
    if (value === undefined) continue;
    const number = unit === "percent" ? signedPercent(value) : value.toFixed(4);
    byLabel.getOrInsertComputed(label, () => []).push(of ? `${of} ${number}` : number);
  }
  return [...byLabel].map(([label, numbers]) => `${label} ${numbers.join(" ")}`);
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
