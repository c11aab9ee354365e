/**
 * What the zero-shot study has found.
 *
 * @module
 */
import type { Picture } from "../engine/picture.ts";
import type { Findings, Table } from "../engine/study.ts";
import {
  differences,
  type Estimate,
  isClear,
  type RowScores,
  rowScores,
  scored,
  shown,
  shownEstimate,
} from "../trials/scores.ts";
import type { Tried } from "../trials/trial.ts";
import { type Split, splitsOf, type ZeroShotSpec } from "./spec.ts";
import { allName, AXES, BASE, heldName, variations, type Vary } from "./cells.ts";

type Results = ReadonlyMap<string, Tried>;

/** One cluster, or all of them, by one metric. */
type Row = {
  readonly cluster: string;
  readonly metric: string;
  readonly base: Estimate;
  readonly unseen: Estimate;
  readonly seen: Estimate;
  /** Trained on the others less the base. */
  readonly difference: Estimate;
};

/** The unseen score where something is varied. */
type Varied = {
  readonly axis: string;
  readonly count: number;
  readonly metric: string;
  readonly unseen: Estimate;
  readonly difference: Estimate;
};

/** Scores of the tasks of one cluster or several. */
class Scores {
  constructor(
    private readonly spec: ZeroShotSpec,
    private readonly results: Results,
    private readonly splits: readonly Split[],
    private readonly metric: string,
  ) {}

  /** All of them, where each cluster was held out. */
  unseen(vary: Vary = {}): RowScores {
    return joined(this.splits.map((split) => {
      const cells = this.spec.seeds.map((seed) => this.results.get(heldName(split, seed, vary))!);
      return rowScores(cells, { metric: this.metric, tasks: split.held });
    }));
  }

  base(): RowScores {
    return rowScores([this.results.get(BASE)!], { metric: this.metric, tasks: this.#tasks });
  }

  seen(): RowScores {
    const cells = this.spec.seeds.map((seed) => this.results.get(allName(seed))!);
    return rowScores(cells, { metric: this.metric, tasks: this.#tasks });
  }

  get #tasks(): string[] {
    return this.splits.flatMap(({ held }) => held);
  }
}

const joined = (parts: readonly RowScores[]): RowScores =>
  new Map(parts.flatMap((part) => [...part]));

export function concludeZeroShot(spec: ZeroShotSpec, results: Results): Findings {
  const splits = splitsOf(spec);
  const rows = spec.metrics.flatMap((metric) =>
    [...splits.map((split) => [split]), splits].map((of) =>
      rowOf(of, new Scores(spec, results, of, metric), metric)
    )
  );
  const varied = spec.metrics.flatMap((metric) =>
    variations(spec).map((vary) =>
      variedOf(vary, new Scores(spec, results, splits, metric), metric)
    )
  );
  const tables = spec.metrics.map((metric) => clusterTable(rows, metric));
  const [metric] = spec.metrics;
  return {
    tables: varied.length > 0 ? [...tables, variedTable(rows, varied, spec)] : tables,
    pictures: [
      clusterPicture(rows.filter((row) => row.metric === metric)),
      ...AXES.flatMap((axis) => variedPicture(spec, rows, varied, axis) ?? []),
    ],
    numbers: { rows, varied },
  };
}

function rowOf(splits: readonly Split[], scores: Scores, metric: string): Row {
  const [base, unseen, seen] = [scores.base(), scores.unseen(), scores.seen()];
  return {
    cluster: splits.length === 1 ? splits[0]!.cluster : ALL,
    metric,
    base: scored(base),
    unseen: scored(unseen),
    seen: scored(seen),
    difference: scored(differences(base, unseen)),
  };
}

const ALL = "all clusters";

function variedOf(vary: Vary, scores: Scores, metric: string): Varied {
  const [[axis, count]] = Object.entries(vary) as [[string, number]];
  const unseen = scores.unseen(vary);
  return {
    axis,
    count,
    metric,
    unseen: scored(unseen),
    difference: scored(differences(scores.base(), unseen)),
  };
}

function clusterTable(rows: readonly Row[], metric: string): Table {
  const of = rows.filter((row) => row.metric === metric);
  const clear = of.filter(({ cluster, difference }) => cluster !== ALL && isClear(difference));
  return {
    title: `Held-out clusters: ${metric}`,
    note:
      `Tasks of a cluster by the base, by a model trained on all other clusters, and by one trained ` +
      `on all. ${clear.length} of ${
        of.length - 1
      } clusters differ from the base beyond their 95 % ` +
      "interval, which is over rows of these tasks.",
    head: ["held out", "base", "tuned on the others", "difference", "tuned on all"],
    rows: of.map(({ cluster, base, unseen, seen, difference }) => [
      cluster,
      shown(base.mean, metric),
      shown(unseen.mean, metric),
      shownEstimate(difference, metric, true),
      shown(seen.mean, metric),
    ]),
  };
}

function variedTable(rows: readonly Row[], varied: readonly Varied[], spec: ZeroShotSpec): Table {
  const whole = (metric: string) =>
    rows.find((row) => row.cluster === ALL && row.metric === metric)!;
  const places = [...new Set(varied.map(({ axis, count }) => `${axis} ${count}`))];
  return {
    title: "Unseen tasks, less to train on",
    note: "Difference to the base over all held-out clusters; one thing is varied at a time.",
    head: ["trained on", ...spec.metrics.flatMap((metric) => [metric, "difference"])],
    rows: [
      ...places.map((place) => [
        place,
        ...varied.filter(({ axis, count }) => `${axis} ${count}` === place)
          .flatMap(({ metric, unseen, difference }) => [
            shown(unseen.mean, metric),
            shownEstimate(difference, metric, true),
          ]),
      ]),
      [
        "all",
        ...spec.metrics.flatMap((metric) => [
          shown(whole(metric).unseen.mean, metric),
          shownEstimate(whole(metric).difference, metric, true),
        ]),
      ],
    ],
  };
}

const point = (x: number, { mean, low, high }: Estimate) => ({ x, y: mean, low, high });

function clusterPicture(rows: readonly Row[]): Picture {
  const line = (name: string, of: (row: Row) => Estimate, isStrong = false) => ({
    name,
    isStrong,
    isJoined: false,
    points: rows.map((row, i) => point(i, of(row))),
  });
  return {
    name: "clusters",
    title: `Scores on clusters that were held out, with intervals over rows`,
    x: {
      label: "held-out cluster",
      ticks: rows.map(({ cluster }, at) => ({ at, label: cluster })),
    },
    y: { label: rows[0]!.metric, digits: 2 },
    lines: [
      line("base", ({ base }) => base),
      line("tuned on the others", ({ unseen }) => unseen, true),
      line("tuned on all", ({ seen }) => seen),
    ],
  };
}

function variedPicture(
  spec: ZeroShotSpec,
  rows: readonly Row[],
  varied: readonly Varied[],
  axis: string,
): Picture | null {
  const [metric] = spec.metrics;
  const found = varied.filter((one) => one.axis === axis && one.metric === metric)
    .toSorted((a, b) => a.count - b.count);
  if (found.length === 0) return null;
  const whole = rows.find((row) => row.cluster === ALL && row.metric === metric)!;
  const end = 2 * found.at(-1)!.count;
  const ticks = [...found.map(({ count }) => ({ at: count, label: `${count}` })), {
    at: end,
    label: "all",
  }];
  return {
    name: axis,
    title: `Unseen tasks against ${axis} trained on, with intervals over rows`,
    x: { label: axis, isLog: true, ticks },
    y: { label: metric!, digits: 3 },
    lines: [
      {
        name: "tuned",
        isStrong: true,
        points: [
          ...found.map(({ count, unseen }) => point(count, unseen)),
          point(end, whole.unseen),
        ],
      },
      { name: "base", points: ticks.map(({ at }) => ({ x: at, y: whole.base.mean })) },
    ],
  };
}
