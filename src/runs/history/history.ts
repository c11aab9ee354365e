/**
 * Reads the history of runs.
 *
 * @module
 */
import { uptime } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Config, Origin } from "../../config/mod.ts";
import { ConfigError } from "../../errors.ts";
import { isLocked } from "../../io/lock.ts";
import { didYouMean } from "../../io/nearest.ts";
import type { Fields, MemoryParts, Metrics, SampleText } from "../events.ts";
import { hostName, openHistory, transaction, within } from "./database.ts";

/** How a run stands; `interrupted`: its process ended without a word. */
export type RunStatus = "running" | "done" | "stopped" | "failed" | "interrupted";

/** A run of the history. */
export interface RunRecord {
  /** Its number; none is given twice. */
  readonly id: number;
  /** Of its folder. */
  readonly name: string;
  /** Where it lies, or lay. */
  readonly folder: string;
  /** How it stands. */
  readonly status: RunStatus;
  /** Why it failed. */
  readonly error: string | null;
  /** `adapter` on a frozen base, or every parameter from random weights. */
  readonly trains: "adapter" | "pretrain";
  /** When it began. */
  readonly started: Date;
  /** When it last said something. */
  readonly seen: Date;
  /** Seconds that it ran. */
  readonly seconds: number;
  /** Updates of the whole run. */
  readonly steps: number;
  /** Updates done. */
  readonly done: number;
  /** Resolved: every default filled in. */
  readonly config: Config;
  /** Where each value of it came from. */
  readonly origin: Readonly<Record<string, Origin>>;
  /** What it ran on. */
  readonly device: { readonly adapter: string; readonly software: boolean };
  /** Bytes on the device. */
  readonly memory: MemoryParts;
  /** Of Graft and Deno. */
  readonly versions: Readonly<Record<string, string>>;
  /** The last logged update; null before the first. */
  readonly last: Metrics | null;
  /** What was measured at the end: `eval_loss`, ... */
  readonly measured: Fields;
}

/** What happened in a run, by the updates done before. */
export interface RunEvents {
  /** Those that were logged. */
  readonly updates: readonly Metrics[];
  /** What was measured on the way. */
  readonly measures: readonly { readonly step: number; readonly values: Fields }[];
  /** What the model answered on the way. */
  readonly samples: readonly { readonly step: number; readonly samples: readonly SampleText[] }[];
  /** By the updates done, with the names of their files. */
  readonly checkpoints: readonly { readonly step: number; readonly name: string }[];
}

/** Milliseconds that a reader waits for another program. */
const PATIENCE = 2000;

/**
 * The runs of a folder, as `deno task runs` shows them.
 *
 * @example
 * ```ts ignore
 * using history = new RunHistory("runs/runs.sqlite");
 * for (const { name, status, last } of history.runs()) console.log(name, status, last?.loss);
 * ```
 */
export class RunHistory implements Disposable {
  /** The file. */
  readonly path: string;
  readonly #db: DatabaseSync;

  /**
   * Opens the file, `runs.sqlite` beside the folders of runs.
   *
   * @throws {FileError} where it is missing, locked, damaged, or of a newer version.
   */
  constructor(path: string) {
    this.path = resolve(path);
    this.#db = openHistory(path, { patience: PATIENCE, create: false });
  }

  /** All runs, the newest first. */
  runs(): RunRecord[] {
    return within(this.path, () => {
      const rows = this.#db.prepare(
        "SELECT *, (SELECT data FROM events WHERE run = id AND kind = 'update' " +
          "ORDER BY step DESC LIMIT 1) AS last FROM runs ORDER BY id DESC",
      ).all();
      return rows.map((row) => recordOf(row as unknown as Row, dirname(this.path)));
    });
  }

  /**
   * A run by its number, or the newest of a folder by its name.
   *
   * @throws {ConfigError} where there is none, with names that are near.
   */
  find(wanted: string): RunRecord {
    const runs = this.runs();
    const found = runs.find(({ id }) => String(id) === wanted) ??
      runs.find(({ name }) => name === wanted);
    if (found) return found;
    const names = runs.flatMap(({ id, name }) => [String(id), name]);
    throw new ConfigError(
      `Found no run ${wanted} in ${this.path}${didYouMean(wanted, new Set(names))}`,
    );
  }

  /** What happened in a run. */
  events(id: number): RunEvents {
    const all = within(
      this.path,
      () =>
        this.#db.prepare("SELECT kind, step, data FROM events WHERE run = ? ORDER BY step").all(id),
    );
    const of = (kind: string) =>
      all.filter((row) => row["kind"] === kind)
        .map(({ step, data }) => ({ step: step as number, data: JSON.parse(data as string) }));
    return {
      updates: of("update").map(({ data }) => data),
      measures: of("measure").map(({ step, data }) => ({ step, values: data })),
      samples: of("sample").map(({ step, data }) => ({ step, ...data })),
      checkpoints: of("checkpoint").map(({ step, data }) => ({ step, ...data })),
    };
  }

  /** Takes runs out of the history; their folders stay. */
  remove(ids: readonly number[]): void {
    transaction(this.#db, this.path, () => {
      const statement = this.#db.prepare("DELETE FROM runs WHERE id = ?");
      for (const id of ids) statement.run(id);
    });
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** What an update took, which is no figure of the run. */
const TAKEN: readonly string[] = ["step", "tokens", "supervised"];

/** Numbers that a run came to: its last loss, what was measured at the end, its last update's. */
export function figuresOf({ last, measured }: RunRecord): Record<string, number> {
  const fields = Object.entries({ loss: last?.loss, ...measured, ...last, ...measured });
  return Object.fromEntries(
    fields.filter(([name, value]) => typeof value === "number" && !TAKEN.includes(name)),
  ) as Record<string, number>;
}

/** A row as SQLite has it. */
type Row = Readonly<Record<keyof RunRecord, string>> & {
  readonly id: number;
  readonly steps: number;
  readonly done: number;
  readonly seconds: number;
  readonly host: string;
  readonly pid: number;
  readonly last: string | null;
};

function recordOf(row: Row, beside: string): RunRecord {
  const { host: _, pid: _pid, ...rest } = row;
  const folder = join(beside, row.name);
  const isOver = row.status === "running" && !isAlive(row, folder);
  return {
    ...rest,
    folder,
    status: isOver ? "interrupted" : row.status as RunStatus,
    trains: row.trains as RunRecord["trains"],
    started: new Date(row.started),
    seen: new Date(row.seen),
    config: JSON.parse(row.config),
    origin: JSON.parse(row.origin),
    device: JSON.parse(row.device),
    memory: JSON.parse(row.memory),
    versions: JSON.parse(row.versions),
    last: row.last === null ? null : JSON.parse(row.last),
    measured: JSON.parse(row.measured),
  };
}

/** Whether a run may be under way still; only one that surely is not, is not. */
function isAlive({ host, seen }: Row, folder: string): boolean {
  if (host !== hostName()) return true;
  const booted = Date.now() - 1000 * uptime();
  return new Date(seen).getTime() >= booted && isLocked(folder);
}
