/**
 * The study of forgetting in numbers: a table of arms and budgets, and the claims it is held to.
 *
 * @module
 */
import { summary } from "../../forgetting/statistics.ts";
import type { Table } from "../engine/study.ts";
import type { Score } from "./cell.ts";
import type { Experiment } from "./spec.ts";

/** One claim with what was found. */
export interface Claim {
  readonly name: string;
  readonly holds: boolean;
  readonly found: string;
}

type Arms = Pick<Experiment, "arms" | "budgets" | "seeds">;

/** Arms that are controlled by a budget. */
const controlled = ({ arms }: Arms) =>
  arms.filter(({ isControlled }) => isControlled).map(({ name }) => name);

/** Arms that replay text, and what they are called. */
interface Rivals {
  readonly called: string;
  readonly names: readonly string[];
}

/**
 * Replays of no more tokens an update than the controlled arm has, where there are any, which is what
 * the claims are about; and, where there are others, all of them.
 */
function rivalsOf({ arms }: Arms): Rivals[] {
  const most = arms.find(({ isControlled }) => isControlled)!.tokens;
  const replays = arms.filter(({ guard }) => guard["loss"] === "ce");
  const equal = replays.filter(({ tokens }) => tokens <= most);
  return [
    ...(equal.length > 0
      ? [{ called: "the best replay", names: equal.map(({ name }) => name) }]
      : []),
    ...(equal.length < replays.length
      ? [{ called: "replay of any number of tokens", names: replays.map(({ name }) => name) }]
      : []),
  ];
}

const of = (cells: readonly Score[], arm: string, budget: number) =>
  cells.filter((cell) => cell.arm === arm && cell.budget === budget);

const meanOf = (cells: readonly Score[], value: (cell: Score) => number): number =>
  cells.length > 0 ? summary(cells.map(value)).mean : NaN;

/** The mean task loss of each arm at each budget. */
export function table(cells: readonly Score[], spec: Arms): Table {
  const head = ["arm", ...spec.budgets.map((budget) => `${budget} %`)];
  const rows = spec.arms.map(({ name }) => [
    name,
    ...spec.budgets.map((budget) => {
      const found = of(cells, name, budget);
      if (found.length === 0) return "";
      const [task, raw, test] = [
        meanOf(found, (cell) => cell.task),
        meanOf(found, (cell) => cell.raw / cell.epsilon),
        meanOf(found, (cell) => cell.test_shift / cell.epsilon),
      ];
      const certified = found.filter((cell) => cell.certified).length;
      return `${task.toFixed(3)} (raw ${raw.toFixed(2)}, test ${test.toFixed(2)}, ` +
        `${certified}/${found.length})`;
    }),
  ]);
  return {
    title: "Task loss in nats a token by budget",
    note:
      "raw: the shift at the end of the run over the budget; test: that of what was chosen, on text " +
      "that nothing else has used; then how many were certified.",
    head,
    rows,
  };
}

/** The claims of the experiment that its cells can judge. */
export function claims(cells: readonly Score[], spec: Arms): Claim[] {
  const against = (claim: typeof heldOut) =>
    rivalsOf(spec).flatMap((rivals) =>
      spec.budgets.map((budget) => claim(cells, spec, budget, rivals))
    );
  return [
    withinBudget(cells),
    rawNearBudget(cells, spec),
    ...against(beatsReplay),
    priceAndSlope(cells, spec),
    ...(cells.every((cell) => cell.held_out === null) ? [] : against(heldOut)),
  ];
}

function withinBudget(cells: readonly Score[]): Claim {
  const certified = cells.filter((cell) => cell.certified);
  const within = certified.filter((cell) => cell.test_claimed! <= cell.epsilon);
  const whole = certified.filter((cell) => cell.test_shift <= cell.epsilon);
  return {
    name: "P1: at least 95 % of certified cells keep the budget on the test text",
    holds: within.length >= 0.95 * certified.length,
    found: `${within.length} of ${certified.length} as the certificate counts, ` +
      `${whole.length} with documents counted whole`,
  };
}

function rawNearBudget(cells: readonly Score[], spec: Arms): Claim {
  const raw = controlled(spec).flatMap((arm) =>
    cells.filter((cell) => cell.arm === arm && cell.budget >= 2)
  ).map((cell) => cell.raw / cell.epsilon);
  const near = raw.filter((share) => share >= 0.5 && share <= 1.05);
  const range = raw.length > 0
    ? `${Math.min(...raw).toFixed(2)} to ${Math.max(...raw).toFixed(2)}`
    : "";
  return {
    name: "P2: controlled runs end at 0.5 to 1.05 of a budget of 2 % or more, before scaling",
    holds: near.length === raw.length && raw.length > 0,
    found: `${near.length} of ${raw.length}, ${range}`,
  };
}

/** The controlled arm against the best of some replays at that budget, seed by seed. */
function beatsReplay(
  cells: readonly Score[],
  spec: Arms,
  budget: number,
  { called, names }: Rivals,
): Claim {
  const arm = controlled(spec)[0]!;
  const best =
    names.filter((name) => of(cells, name, budget).length > 0).toSorted((a, b) =>
      meanOf(of(cells, a, budget), (c) => c.task) - meanOf(of(cells, b, budget), (c) => c.task)
    )[0];
  const gaps = of(cells, arm, budget).flatMap((cell) => {
    const rival = cells.find((other) =>
      other.arm === best && other.budget === budget && other.seed === cell.seed
    );
    return rival ? [rival.task - cell.task] : [];
  });
  const wanted = budget <= 5 ? 2 : 0;
  const name = `P3: ${arm} at ${budget} % against ${called}` +
    (wanted > 0 ? ", by more than 2 standard errors" : ", no worse");
  if (gaps.length === 0) return { name, holds: false, found: "no cells" };
  const { n, mean, se } = summary(gaps);
  const spread = n > 1 ? `se ${se.toFixed(3)}, ${n} seeds` : "one seed, no se";
  return {
    name,
    holds: wanted > 0 ? n > 1 && mean > wanted * se : mean >= 0,
    found: `${mean.toFixed(3)} nats better than ${best}, ${spread}`,
  };
}

/** The marginal gain of what was chosen against the slope of the task loss between neighbouring budgets. */
function priceAndSlope(cells: readonly Score[], spec: Arms): Claim {
  const arm = controlled(spec)[0]!;
  const point = (budget: number) => {
    const found = of(cells, arm, budget);
    return {
      shift: meanOf(found, (cell) => cell.test_shift),
      task: meanOf(found, (cell) => cell.task),
      marginal_gain: Math.exp(
        meanOf(found, (cell) => Math.log(10 * (cell.marginal_gain ?? NaN) / cell.epsilon)),
      ),
    };
  };
  const ratios = spec.budgets.slice(1).map((budget, i) => {
    const [low, high] = [point(spec.budgets[i]!), point(budget)];
    const slope = (low.task - high.task) / (high.shift - low.shift);
    return Math.sqrt(low.marginal_gain * high.marginal_gain) / slope;
  }).filter(Number.isFinite);
  const near = ratios.filter((ratio) => ratio >= 0.5 && ratio <= 2);
  return {
    name: "P5: the marginal gain is within a factor 2 of the slope between neighbouring budgets",
    holds: ratios.length > 0 && near.length === ratios.length,
    found: ratios.map((ratio) => ratio.toFixed(2)).join(", "),
  };
}

function heldOut(
  cells: readonly Score[],
  spec: Arms,
  budget: number,
  { called, names }: Rivals,
): Claim {
  const arm = controlled(spec)[0]!;
  const mine = meanOf(of(cells, arm, budget), (cell) => cell.held_out ?? NaN);
  const theirs = names.map((name) => meanOf(of(cells, name, budget), (c) => c.held_out ?? NaN))
    .filter(Number.isFinite);
  const name = `P8: held-out families at ${budget} %, no worse than ${called}`;
  if (theirs.length === 0) return { name, holds: false, found: "no cells" };
  const best = Math.min(...theirs);
  return { name, holds: mine <= best, found: `${mine.toFixed(3)} against ${best.toFixed(3)} nats` };
}
