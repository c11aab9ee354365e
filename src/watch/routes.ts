/**
 * What the page of runs asks for.
 *
 * @module
 */
import { changedKeys } from "../config/mod.ts";
import { ConfigError } from "../errors.ts";
import { eventStream } from "../http/events.ts";
import { HttpFault } from "../http/fault.ts";
import type { Routes } from "../http/server.ts";
import { figuresOf, RunHistory, type RunRecord } from "../runs/history/history.ts";
import { curvesOf } from "./curves.ts";
import { runsPage } from "./page.ts";

/** Milliseconds between two looks at the history. */
const EVERY_MS = 1000;
/** The most runs that are shown over each other. */
const MOST_RUNS = 8;

/**
 * The routes of a folder's history, which is opened anew for each look: a run that is deleted under
 * it is gone from the next answer.
 *
 * @param path The file.
 * @param every Milliseconds between two looks at it.
 */
export function watchRoutes(path: string, every = EVERY_MS): Routes {
  const read = <T>(use: (history: RunHistory) => T): T => {
    using history = new RunHistory(path);
    return use(history);
  };
  return {
    "GET /": () => runsPage(path),
    "GET /api/runs": () => Response.json(read((history) => history.runs().map(summaryOf))),
    "GET /api/run": (_, url) => Response.json(read((history) => detailsOf(history, idOf(url)))),
    "GET /api/compare": (_, url) =>
      Response.json(read((history) => comparisonOf(idsOf(url).map((id) => find(history, id))))),
    "GET /api/changes": (request) => {
      const leaving = new AbortController();
      request.signal.addEventListener("abort", () => leaving.abort(), { once: true });
      const changes = changesOf(() => read((history) => history.runs()), every, leaving.signal);
      return eventStream(changes, () => leaving.abort());
    },
  };
}

function idOf(url: URL): string {
  const id = url.searchParams.get("id");
  if (id !== null && id !== "") return id;
  throw new HttpFault(400, "id: found none, wanted the number of a run", "id");
}

function idsOf(url: URL): string[] {
  const ids = url.searchParams.getAll("id");
  if (ids.length >= 1 && ids.length <= MOST_RUNS) return ids;
  throw new HttpFault(400, `id: found ${ids.length}, wanted 1 to ${MOST_RUNS}`, "id");
}

/** @throws {HttpFault} where there is none. */
function find(history: RunHistory, id: string): RunRecord {
  try {
    return history.find(id);
  } catch (fault) {
    if (fault instanceof ConfigError) throw new HttpFault(404, fault.message, "id");
    throw fault;
  }
}

/** A run in the list. */
function summaryOf(run: RunRecord) {
  const { id, name, status, error, trains, started, seen, seconds, steps, done, last } = run;
  return {
    ...{ id, name, status, error, trains, started, seen, seconds, steps, done },
    model: run.config.model,
    loss: last?.loss ?? null,
    measured: run.measured,
  };
}

function detailsOf(history: RunHistory, id: string) {
  const run = find(history, id);
  const events = history.events(run.id);
  const { config, origin, device, memory, versions } = run;
  return {
    ...summaryOf(run),
    ...{ config, origin, device, memory, versions },
    curves: curvesOf(events),
    samples: events.samples.slice(-3),
    checkpoints: events.checkpoints,
  };
}

/** Where the settings of runs differ, and what each came to. */
function comparisonOf(runs: readonly RunRecord[]) {
  const [first, ...others] = runs;
  const keys = new Set(
    others.flatMap(({ config }) => changedKeys({ ...first!.config }, { ...config }))
      .map(({ key }) => key).filter((key) => key !== "out"),
  );
  const valueOf = ({ config }: RunRecord, key: string): unknown =>
    changedKeys({}, { ...config }).find((changed) => changed.key === key)?.after;
  const figures = runs.map(figuresOf);
  const names = new Set(figures.flatMap((found) => Object.keys(found)));
  return {
    runs: runs.map(({ id, name }) => ({ id, name })),
    settings: [...keys].map((key) => ({
      key,
      values: runs.map((run) => valueOf(run, key) ?? null),
    })),
    figures: [...names].map((name) => ({
      name,
      values: figures.map((found) => found[name] ?? null),
    })),
  };
}

/** What differs from one look to the next: runs that are new or went on, and numbers of those gone. */
async function* changesOf(
  runs: () => RunRecord[],
  every: number,
  left: AbortSignal,
): AsyncGenerator<object> {
  const known = new Map<number, string>();
  while (!left.aborted) {
    const now = new Map(runs().map((run) => [run.id, summaryOf(run)]));
    const changed = [...now.values()].filter((run) => known.get(run.id) !== JSON.stringify(run));
    const gone = [...known.keys()].filter((id) => !now.has(id));
    for (const id of gone) known.delete(id);
    for (const run of changed) known.set(run.id, JSON.stringify(run));
    yield { changed, gone };
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, every);
      left.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}
