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
  let phase = { what: "", began: 0, said: 0 };
  return (progress) => {
    const { what, done, of } = progress;
    const now = performance.now();
    if (what !== phase.what) phase = { what, began: now, said: now };
    const isOver = done === of;
    if (!isTerminal && now < phase.said + PROGRESS_MS) return;
    phase.said = now;
    const seconds = (now - phase.began) / 1000;
    const line = progressLine(progress) + leftText(progress, seconds);
    if (!isTerminal) say(dim(line));
    else if (!isOver) status(cut(line), false);
  };
}

/** `, 1m05s left`, where that can be told. */
function leftText({ done, of }: Progress, seconds: number): string {
  if (of === null || done === 0 || done >= of || seconds < FIRST_GUESS) return "";
  return `, ${duration(seconds / done * (of - done))} left`;
}

/** Shows a run: its lines, and on a terminal its updates and phases on one line that is replaced. */
export function runShown(): RunListener {
  if (!isTerminal) return linesListener(say);
  const lines = linesListener(say);
  const progress = progressShown();
  let standing: Omit<Standing, "secondsLeft"> = { steps: 0 };
  let last = "";
  return (event) => {
    if (event.kind === "progress") progress(event.progress);
    else if (event.kind === "update") {
      last = metricsLine(event.metrics, { ...standing, ...event }, columns());
      status(last, false);
    } else {
      if (event.kind === "start") {
        const { steps, columns, memory } = event;
        standing = { steps, columns, bytes: totalOf(memory) };
      }
      if ((event.kind === "end" || event.kind === "fault") && last !== "") status(last, true);
      lines(event);
    }
  };
}

const cut = (line: string): string =>
  line.length <= columns() ? line : `${line.slice(0, columns() - 1)}…`;
