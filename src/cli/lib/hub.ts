/**
 * Models and adapters of the command line: a folder, or a name on the hub that is downloaded first.
 *
 * @module
 */
import { type DownloadProgress, locate, type RepoKind } from "../../io/hub/mod.ts";
import { isTerminal, say, status } from "./term.ts";

/** The folder of a model or adapter; a download shows a bar on a terminal. */
export async function fetchFolder(place: string, kind: RepoKind): Promise<string> {
  return (await locate(place, kind, hubReports())).folder;
}

/** Where lines and the bar of a download go. */
export function hubReports() {
  return { say, ...(isTerminal && { onProgress: progressBar() }) };
}

/** Milliseconds between two drawings of the bar. */
const REDRAW = 100;

function progressBar(): (progress: DownloadProgress) => void {
  let drawn = 0;
  let began = { file: "", done: 0, at: 0 };
  return (progress) => {
    const now = performance.now();
    if (progress.file !== began.file) began = { file: progress.file, done: progress.done, at: now };
    const isWhole = progress.done === progress.total;
    if (!isWhole && now - drawn < REDRAW) return;
    drawn = now;
    const rate = (progress.done - began.done) / Math.max(1e-3, (now - began.at) / 1000);
    status(barLine(progress, rate), isWhole);
  };
}

const WIDTH = 24;

/** `model.safetensors  [######      ]  25 %  1.2 of 4.8 GB, 80.1 MB/s`. */
export function barLine({ file, done, total }: DownloadProgress, bytesPerSecond: number): string {
  const share = total === 0 ? 1 : done / total;
  const bar = "#".repeat(Math.floor(share * WIDTH)).padEnd(WIDTH);
  const [unit, name] = total < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  const sizes = `${(done / unit).toFixed(1)} of ${(total / unit).toFixed(1)} ${name}`;
  const percent = String(Math.floor(100 * share)).padStart(3);
  return `${file}  [${bar}] ${percent} %  ${sizes}, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
}
