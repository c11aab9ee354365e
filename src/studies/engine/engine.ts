/**
 * Runs a study: cells that are done stay done, and when all are, it says what they come to.
 *
 * @module
 */
import { resolve } from "node:path";
import { ConfigError, StoppedError } from "../../errors.ts";
import type { Device } from "../../gpu/device.ts";
import type { FolderLock } from "../../io/lock.ts";
import { isStopWanted } from "../../stop.ts";
import { StudyFolder } from "./folder.ts";
import { pageOf } from "./page.ts";
import { svgOf } from "./picture.ts";
import { readSpec } from "./spec.ts";
import type { Cell, Findings, Study } from "./study.ts";
import { markdownOf } from "./table.ts";

/** What a study is run with. */
export interface StudyOptions {
  /** The file of the spec. */
  readonly path: string;
  /** The folder that `{files}` stands for in it. */
  readonly files: string | undefined;
  readonly out: string;
  /** Only cells whose name holds this text. */
  readonly only: string;
  /** Opens what cells work on; not asked where all are done. */
  readonly device: () => Promise<Device>;
  readonly say: (line: string) => void;
}

/** How far a study is, and what it found once all of its cells are done. */
export interface StudyResult {
  readonly done: number;
  readonly cells: number;
  readonly findings: Findings | null;
}

/**
 * Does the cells that are not done, in order; those that another process works on are left to it.
 *
 * @throws {ConfigError} for a spec that cannot be used, or is another than that of the cells in `out`.
 * @throws {StoppedError} where it is stopped; the next call goes on.
 */
export async function runStudy<S, R>(
  study: Study<S, R>,
  given: StudyOptions,
): Promise<StudyResult> {
  // Configs of cells lie elsewhere than the working folder, and name what lies in `out`.
  const options = { ...given, out: resolve(given.out) };
  const { out, only, say } = options;
  const { spec, written, files, folder: at } = readSpec(options.path, study.schema, options.files);
  using folder = StudyFolder.open(out, { study: study.name, spec: written, files });
  const place = { folder: at, out };
  const cells = await study.plan(spec, place);
  refuseTwins(cells);
  await work(folder, cells, options);
  const results = new Map<string, R>();
  for (const { name } of cells) {
    const result = folder.read<R>(name);
    if (result !== undefined) results.set(name, result);
  }
  const count = { done: results.size, cells: cells.length };
  if (results.size < cells.length) {
    say(
      `${count.done} of ${count.cells} cells are done${only === "" ? "" : ", without --only all"}`,
    );
    return { ...count, findings: null };
  }
  const findings = await study.conclude(spec, results, place);
  leave(folder, study, findings);
  return { ...count, findings };
}

async function work<R>(
  folder: StudyFolder,
  cells: readonly Cell<R>[],
  { out, only, say, device: open }: StudyOptions,
): Promise<void> {
  const wanted = cells.filter(({ name }) => name.includes(only) && !folder.has(name));
  refuseUnfounded(folder, wanted);
  let device: Device | null = null;
  try {
    let taken = 0;
    for await (const { cell, claim } of claimed(folder, wanted, say)) {
      using _ = claim;
      say(`${++taken}/${wanted.length} ${cell.name}`);
      device ??= await open();
      const found = (name: string) => folder.read(name);
      const context = { device, out, found, say: (line: string) => say(`  ${line}`) };
      folder.keep(cell.name, await cell.run(context));
    }
  } finally {
    device?.close();
  }
}

/** Milliseconds between two looks at cells that other processes work on. */
const LOOK = 1000;

/** Cells that are not done and that nobody else works on, one after the other, until all are done. */
async function* claimed<R>(
  folder: StudyFolder,
  wanted: readonly Cell<R>[],
  say: (line: string) => void,
): AsyncGenerator<{ readonly cell: Cell<R>; readonly claim: FolderLock }> {
  for (let waits = false;;) {
    const left = wanted.filter(({ name }) => !folder.has(name));
    if (left.length === 0) return;
    if (isStopWanted()) throw new StoppedError(stopped(wanted.length - left.length, wanted.length));
    const next = firstFree(folder, left);
    if (next) {
      waits = false;
      yield next;
      continue;
    }
    if (!waits) say(waiting(left.length));
    waits = true;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

function firstFree<R>(folder: StudyFolder, left: readonly Cell<R>[]) {
  for (const cell of left) {
    if (!(cell.after ?? []).every((name) => folder.has(name))) continue;
    const claim = folder.claim(cell.name);
    if (claim) return { cell, claim };
  }
  return null;
}

/** @throws {ConfigError} where a cell comes after one that is not done and not wanted either. */
function refuseUnfounded(folder: StudyFolder, wanted: readonly Cell<unknown>[]): void {
  const names = new Set(wanted.map(({ name }) => name));
  for (const { name, after = [] } of wanted) {
    const missing = after.find((before) => !names.has(before) && !folder.has(before));
    if (missing === undefined) continue;
    throw new ConfigError(`${name}: found ${missing} not done, wanted it before`);
  }
}

const waiting = (left: number): string =>
  `${left} ${
    left === 1 ? "cell is" : "cells are"
  } left that other processes work on, or on what comes before`;

const stopped = (done: number, left: number): string =>
  `Stopped after ${done} of the ${left} cells that were left; the same command goes on`;

function refuseTwins(cells: readonly Cell<unknown>[]): void {
  const names = cells.map(({ name }) => name);
  const twin = names.find((name, i) => names.indexOf(name) < i);
  if (twin !== undefined) {
    throw new ConfigError(`Found two cells of the name ${twin}, wanted a name for each`);
  }
}

function leave<S, R>(
  folder: StudyFolder,
  { name, summary }: Study<S, R>,
  findings: Findings,
): void {
  const { tables, pictures, numbers } = findings;
  for (const picture of pictures) folder.picture(picture.name, svgOf(picture));
  folder.write("table", markdownOf(tables));
  folder.write("page", pageOf({ name, summary }, findings));
  folder.summarise({ study: name, tables, numbers });
}
