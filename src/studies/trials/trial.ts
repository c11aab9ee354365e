/**
 * A trial: a run on some rows, and what it answers to tasks.
 *
 * @module
 */
import type { Config, ParsedConfig } from "../../config/mod.ts";
import { parseConfig } from "../../config/mod.ts";
import { openModel } from "../../inference/open.ts";
import { resolveModel } from "../../train/resolve_model.ts";
import { runFolder, trainCell } from "../engine/run.ts";
import type { Cell, CellContext, Place } from "../engine/study.ts";
import { type Answers, answersOf } from "./answers.ts";

/** Values of a config, as a spec has them. */
export type Values = Readonly<Record<string, unknown>>;

/** What is trained and asked. */
export interface Trial {
  readonly name: string;
  /** The config of its run without data; the guard only where it names one. */
  readonly run: Values;
  /** Entries of data; null asks the base itself. */
  readonly data: readonly Values[] | null;
  readonly seed: number;
  /** Entries of tasks. */
  readonly tasks: readonly Values[];
}

/** What a trial comes to. */
export interface Tried {
  /** Mean nats a token of the last logged update; null of the base. */
  readonly loss: number | null;
  readonly tasks: Readonly<Record<string, Answers>>;
}

/**
 * A trial as a cell.
 *
 * @throws {ConfigError} for a config that cannot be used.
 */
export function trialCell(trial: Trial, place: Place): Cell<Tried> {
  const parsed = configOf(trial, place);
  return { name: trial.name, run: (context) => tryOut(trial, parsed, context) };
}

/** The config of a trial's run. */
function configOf({ name, run, data, seed, tasks }: Trial, { folder, out }: Place): ParsedConfig {
  return parseConfig({
    folder,
    values: {
      guard: false,
      ...run,
      train: { log_every: 10, ...run["train"] as object, seed },
      data: data ?? [{ path: "." }], // a config has some; nothing reads them
      eval: { ...run["eval"] as object, tasks },
      out: runFolder(out, name),
    },
  });
}

/** The config of the run itself: tasks are answered after it, not within. */
function withoutTasks({ config, origin }: ParsedConfig): ParsedConfig {
  return { config: { ...config, eval: { ...config.eval, tasks: [] } }, origin };
}

async function tryOut(
  { data }: Trial,
  parsed: ParsedConfig,
  context: CellContext,
): Promise<Tried> {
  const { config } = parsed;
  const trained = data === null ? null : await trainCell(withoutTasks(parsed), context);
  const { model } = await resolveModel(parsed, { say: context.say });
  return {
    loss: trained?.last?.loss ?? null,
    tasks: await answer(model, trained?.saved ?? undefined, config, context),
  };
}

async function answer(
  folder: string,
  adapter: string | undefined,
  { quantize, eval: { tasks } }: Config,
  { device, say }: CellContext,
): Promise<Record<string, Answers>> {
  using open = openModel(device, folder, adapter, { ...(quantize && { quantize }) });
  return await answersOf(open, tasks, say);
}
