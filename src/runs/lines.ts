/**
 * Events as lines to read: what the terminal shows of a run, and what `log.txt` keeps.
 *
 * @module
 */
import { PROGRESS_MS } from "../io/throttle.ts";
import type { Progress } from "../progress.ts";
import type { BackEvent, Column, Metrics, RunListener } from "./events.ts";
import { startPanel } from "./panel.ts";

/** Where a run stands, for its progress line. */
export interface Standing {
  /** Number of updates of the whole run. */
  readonly steps: number;
  /** Expected seconds until the last update. */
  readonly secondsLeft: number;
  readonly columns?: readonly Column[];
  /** Bytes that it takes on the device. */
  readonly bytes?: number;
}

/** Gives each event that has something to read to `take`, as a line. */
export function linesListener(take: (line: string) => void): RunListener {
  let standing: Omit<Standing, "secondsLeft"> = { steps: 0 };
  let phase = { what: "", said: 0 };
  return (event) => {
    if (event.kind === "start") {
      const { steps, columns } = event;
      standing = { steps, columns };
      startPanel(event).forEach(take);
    } else if (event.kind === "log") take(event.line);
    else if (event.kind === "progress") {
      const { what } = event.progress;
      const now = performance.now();
      if (what !== phase.what) phase = { what, said: now };
      if (now < phase.said + PROGRESS_MS) return;
      phase.said = now;
      take(progressLine(event.progress));
    } else if (event.kind === "update") {
      take(metricsLine(event.metrics, { ...standing, ...event }));
    } else if (event.kind === "back") take(backLine(event));
    else if (event.kind === "sample") {
      for (const { prompt, text } of event.samples) {
        take(`sample ${JSON.stringify(prompt)} -> ${JSON.stringify(text)}`);
      }
    }
  };
}

/** That a run goes back to a moment before, and why. */
export function backLine({ reason, to, rate, blackBox }: BackEvent): string {
  const look = blackBox === null ? "" : `; what is known of it is in ${blackBox}`;
  const slower = rate === 1 ? "" : `, with ${rate} of the learning rate`;
  return `${reason}: back to ${to} updates${slower}${look}`;
}

/** `encoding rows: 1200 of 4000`. */
export function progressLine({ what, done, of }: Progress): string {
  return `${what}: ${done}${of === null ? "" : ` of ${of}`}`;
}

/**
 * One line about an update, without colour:
 * `step  20/200  loss 1.2345  forget +1.3 of 2.0 %  lr 2.00e-4  norm 0.512  812 tok/s  ETA 1m05s`.
 * Where it would be longer than `width`, what matters least is left out.
 */
export function metricsLine(
  metrics: Metrics,
  { steps, secondsLeft, columns = [], bytes }: Standing,
  width = Infinity,
): string {
  const total = String(steps);
  const { lr, grad_norm: norm, tokens_per_second: speed } = metrics;
  const parts = {
    step: `step ${String(metrics.step + 1).padStart(total.length)}/${total}`,
    loss: `loss ${metrics.loss.toFixed(4)}`,
    shown: shown(metrics, columns).join("  "),
    lr: `lr ${lr.toExponential(2)}`,
    norm: `norm ${norm.toPrecision(3)}`,
    speed: `${speed.toFixed(speed < 10 ? 1 : 0)} tok/s`,
    memory: bytes === undefined ? "" : `${(bytes / 2 ** 20).toFixed(0)} MiB`,
    left: `ETA ${duration(secondsLeft)}`,
  };
  const line = () => Object.values(parts).filter((part) => part !== "").join("  ");
  for (const least of ["norm", "lr", "memory", "speed", "shown"] as const) {
    if (line().length <= width) break;
    parts[least] = "";
  }
  return line();
}

/** The columns whose fields are known, those of one label together. */
function shown(metrics: Metrics, columns: readonly Column[]): string[] {
  const byLabel = new Map<string, string[]>();
  for (const { field, label, of, ...rest } of columns) {
    const value = metrics[field];
    if (value === undefined) continue;
    const number = columnText(value, rest);
    byLabel.getOrInsertComputed(label, () => []).push(of ? `${of} ${number}` : number);
  }
  return [...byLabel].map(([label, numbers]) => `${label} ${numbers.join(" ")}`);
}

/** `0.0131`, `+1.3 %`, or `+1.3 of 2.0 %` where there is a budget. */
function columnText(value: number, { unit, budget }: Pick<Column, "unit" | "budget">): string {
  const isPercent = unit === "percent";
  const found = isPercent ? signedPercent(value) : value.toFixed(4);
  if (budget === undefined) return found;
  const most = isPercent ? `${(100 * budget).toFixed(1)} %` : budget.toFixed(4);
  return `${isPercent ? found.slice(0, -2) : found} of ${most}`;
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
