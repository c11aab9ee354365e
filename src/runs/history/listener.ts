/**
 * Writes a run into the history as it happens.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import project from "../../../deno.json" with { type: "json" };
import type { RunEvent, RunListener, StartEvent } from "../events.ts";
import { historyOf, hostName, Locked, openHistory, transaction } from "./database.ts";

/** Milliseconds that a run waits for another program, once. */
const PATIENCE = 2000;

/**
 * Writes the run of a folder into the history beside that folder. A history that cannot be written
 * does not harm the run: `log` gets one line, and where another program holds the file, what happens
 * meanwhile is written as soon as it can be.
 */
export function historyListener(folder: string, log: (line: string) => void): RunListener {
  const writer = new HistoryWriter(historyOf(folder), basename(resolve(folder)), log);
  return (event) => writer.take(event);
}

/** An event, and when it happened. */
interface Happened {
  readonly event: RunEvent;
  readonly at: Date;
}

class HistoryWriter {
  readonly #path: string;
  readonly #name: string;
  readonly #log: (line: string) => void;
  #db: DatabaseSync | null = null;
  #row: RunRow | null = null;
  /** What is not in the file yet; null before the run starts, and once nothing more is written. */
  #waiting: Happened[] | null = null;
  /** Whether it has waited for another program in vain: it then waits no more. */
  #isLocked = false;

  constructor(path: string, name: string, log: (line: string) => void) {
    this.#path = path;
    this.#name = name;
    this.#log = log;
  }

  take(event: RunEvent): void {
    if (event.kind === "start") this.#waiting = [];
    if (!this.#waiting || event.kind === "log" || event.kind === "progress") return;
    const isLast = event.kind === "end" || event.kind === "fault";
    this.#waiting.push({ event, at: new Date() });
    try {
      this.#write();
    } catch (fault) {
      this.#failed(fault as Error, isLast);
    }
    if (isLast) this.#close();
  }

  #write(): void {
    const patience = this.#isLocked ? 0 : PATIENCE;
    const db = this.#db ??= openHistory(this.#path, { patience, create: true });
    transaction(db, this.#path, () => {
      for (const { event, at } of this.#waiting!) {
        if (event.kind === "start") this.#row = startRow(db, this.#name, event, at);
        else this.#row!.add(event, at);
      }
    });
    this.#waiting = [];
  }

  #failed(fault: Error, isLast: boolean): void {
    if (fault instanceof Locked && !isLast) {
      if (this.#isLocked) return;
      this.#isLocked = true;
      this.#db?.exec("PRAGMA busy_timeout = 0");
      this.#log(`${fault.message}; the run goes on, and its history is written once that is over`);
      return;
    }
    this.#close();
    this.#log(
      `${fault.message}; ${
        isLast ? "the end of this run is" : "the run goes on, but is"
      } not in its history`,
    );
  }

  #close(): void {
    this.#waiting = null;
    try {
      this.#db?.close();
    } catch { /* what could be written has been */ }
    this.#db = null;
  }
}

/** A run in the file. */
class RunRow {
  readonly #db: DatabaseSync;
  readonly #id: number;
  /** Seconds that the run took before it was resumed, and when it started after that. */
  readonly #before: number;
  readonly #start: Date;
  readonly #insert: StatementSync;
  readonly #progress: StatementSync;

  constructor(db: DatabaseSync, id: number, before: number, start: Date) {
    this.#db = db;
    this.#id = id;
    this.#before = before;
    this.#start = start;
    this.#insert = db.prepare(
      "INSERT INTO events (run, kind, step, data) VALUES (?, ?, ?, ?) " +
        "ON CONFLICT DO UPDATE SET data = json_patch(data, excluded.data)",
    );
    this.#progress = db.prepare(
      "UPDATE runs SET done = max(done, ?), seen = ?, seconds = ? WHERE id = ?",
    );
  }

  add(event: RunEvent, at: Date): void {
    if (event.kind === "update") {
      const { metrics } = event;
      this.#event("update", metrics.step, metrics);
      this.#proceed(metrics.step + 1, at);
    } else if (event.kind === "measure") {
      this.#event("measure", event.step, event.values);
    } else if (event.kind === "sample") {
      this.#event("sample", event.step, { samples: event.samples });
    } else if (event.kind === "checkpoint") {
      this.#event("checkpoint", event.step, { name: basename(event.path) });
      this.#proceed(event.step, at);
    } else if (event.kind === "back") {
      forget(this.#db, this.#id, event.to);
    } else if (event.kind === "end") {
      const { step, stopped, measured } = event.result;
      this.#end(stopped ? "stopped" : "done", { measured });
      this.#proceed(step, at);
    } else if (event.kind === "fault") {
      this.#end("failed", { error: event.error.message });
      this.#proceed(0, at);
    }
  }

  #event(kind: string, step: number, data: object): void {
    this.#insert.run(this.#id, kind, step, JSON.stringify(data));
  }

  #proceed(done: number, at: Date): void {
    const seconds = this.#before + (at.getTime() - this.#start.getTime()) / 1000;
    this.#progress.run(done, at.toISOString(), seconds, this.#id);
  }

  #end(status: string, { measured = {}, error = null }: End): void {
    this.#db.prepare("UPDATE runs SET status = ?, measured = ?, error = ? WHERE id = ?")
      .run(status, JSON.stringify(measured), error, this.#id);
  }
}

interface End {
  readonly measured?: object;
  readonly error?: string | null;
}

/** A new row, or that of the run in the same folder which is resumed. */
function startRow(db: DatabaseSync, name: string, event: StartEvent, at: Date): RunRow {
  const before = event.done > 0 ? resumedRow(db, name) : undefined;
  const row = { ...valuesOf(event), name, seen: at.toISOString() };
  if (before) {
    const { id, seconds } = before;
    forget(db, id, event.done);
    const set = Object.keys(row).map((column) => `${column} = $${column}`).join(", ");
    db.prepare(`UPDATE runs SET ${set} WHERE id = $id`).run({ ...row, id });
    return new RunRow(db, id, seconds, at);
  }
  const whole = { ...row, started: row.seen, seconds: 0 };
  const columns = Object.keys(whole);
  const { lastInsertRowid: id } = db.prepare(
    `INSERT INTO runs (${columns.join(", ")}) VALUES ($${columns.join(", $")})`,
  ).run(whole);
  return new RunRow(db, Number(id), 0, at);
}

function resumedRow(db: DatabaseSync, name: string) {
  return db.prepare("SELECT id, seconds FROM runs WHERE name = ? ORDER BY id DESC LIMIT 1")
    .get(name) as { id: number; seconds: number } | undefined;
}

/** Drops what a resumed run does again. */
function forget(db: DatabaseSync, id: number, done: number): void {
  db.prepare("DELETE FROM events WHERE run = ? AND step >= iif(kind = 'update', ?, ? + 1)")
    .run(id, done, done);
}

function valuesOf(event: StartEvent) {
  const { trains, steps, done, config, origin, device, memory } = event;
  return {
    trains,
    status: "running",
    error: null,
    host: hostName(),
    pid: Deno.pid,
    steps,
    done,
    config: JSON.stringify(config),
    origin: JSON.stringify(origin),
    device: JSON.stringify(device),
    memory: JSON.stringify(memory),
    versions: JSON.stringify({ graft: project.version, deno: Deno.version.deno }),
    measured: "{}",
  };
}
