/**
 * Progress as it is shown: one line that the next replaces on a terminal, a line every ten seconds
 * elsewhere.
 *
 * @module
 */
import { PROGRESS_MS } from "../../io/throttle.ts";
import type { Progress } from "../../progress.ts";
import type { RunListener } from "../../runs/events.ts";
import {
  duration,
  linesListener,
  metricsLine,
  progressLine,
  type Standing,
} from "../../runs/lines.ts";
import { totalOf } from "../../runs/panel.ts";
import { columns, dim, isTerminal, say, status } from "./term.ts";

/** Seconds of a phase before it is guessed how long it takes. */
const FIRST_GUESS = 2;

/** Shows where a command is. */
export function progressShown(): (progress: Progress) => void {
  const describe = phases();
  let said = { what: "", at: 0 };
  return (progress) => {
    const line = describe(progress);
    if (isTerminal) return line === "" ? undefined : status(cut(line), false);
    const now = performance.now();
    if (progress.what !== said.what) said = { what: progress.what, at: now };
    if (now < said.at + PROGRESS_MS) return;
    said.at = now;
    say(dim(line));
  };
}

/** Phases as lines, with the time that is left where that can be told; nothing once one is over. */
function phases(): (progress: Progress) => string {
  let phase = { what: "", began: 0, done: 0 };
  return (progress) => {
    const { what, done, of } = progress;
    const now = performance.now();
    if (what !== phase.what || done < phase.done) phase = { what, began: now, done };
    phase.done = done;
    if (done === of) return "";
    const seconds = (now - phase.began) / 1000;
    const isTold = of !== null && done > 0 && seconds >= FIRST_GUESS;
    const left = isTold ? `, ${duration(seconds / done * (of - done))} left` : "";
    return progressLine(progress) + left;
  };
}

/** Shows a run: its lines, and on a terminal its updates and phases on one line that is replaced. */
export function runShown(): RunListener {
  const lines = linesListener(say);
  if (!isTerminal) return lines;
  const describe = phases();
  let standing: Omit<Standing, "secondsLeft"> = { steps: 0 };
  let shown = (_width: number) => "";
  return (event) => {
    if (event.kind === "progress") {
      const phase = describe(event.progress);
      const before = shown(columns() - phase.length - 2);
      status(cut([before, phase].filter((part) => part !== "").join("  ")), false);
      return;
    }
    if (event.kind === "update") {
      shown = (width) => metricsLine(event.metrics, { ...standing, ...event }, width);
      return status(shown(columns()), false);
    }
    if (event.kind === "start") {
      const { steps, columns, memory } = event;
      standing = { steps, columns, bytes: totalOf(memory) };
    }
    const isLast = event.kind === "end" || event.kind === "fault";
    if (isLast && shown(Infinity) !== "") status(shown(columns()), true);
    lines(event);
  };
}

const cut = (line: string): string =>
  line.length <= columns() ? line : `${line.slice(0, columns() - 1)}…`;
