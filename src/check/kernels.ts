/**
 * Whether the kernels of a device compute what their f64 twins do, on that device.
 *
 * @module
 */
import type { Device } from "../gpu/device.ts";
import { type Engine, openEngine } from "../graph/compile.ts";
import { tell } from "../progress.ts";
import { heed } from "../stop.ts";
import { attentions } from "./cases/attention.ts";
import { heads } from "./cases/heads.ts";
import { products } from "./cases/products.ts";
import { rows } from "./cases/rows.ts";
import { updates } from "./cases/updates.ts";
import { type Compared, firstWrong, forwardOf, gradientOf, type OpCase } from "./op_case.ts";

/** One case for each op and each format of weights. */
export const CASES: readonly OpCase[] = [
  ...[...products, ...rows, ...attentions, ...heads, ...updates],
];

/** What is wrong with a case, in a sentence. */
export interface WrongCase {
  readonly name: string;
  /** The kernels of the case that none has been right with. */
  readonly kernels: readonly string[];
  readonly message: string;
}

/** What a check came to. */
export interface KernelCheck {
  /** Names of kernels that took part. */
  readonly kernels: readonly string[];
  readonly cases: number;
  readonly wrong: readonly WrongCase[];
  /** The largest error of what was right, as a share of what was allowed. */
  readonly worst: number;
}

interface Checked {
  readonly name: string;
  readonly kernels: ReadonlySet<string>;
  readonly message: string | null;
  readonly worst: number;
}

/** Runs every case forward, and backward where it has a gradient. */
export async function checkKernels(
  device: Device,
  cases: readonly OpCase[] = CASES,
): Promise<KernelCheck> {
  const engine = openEngine(device);
  const checked: Checked[] = [];
  for (const [i, opCase] of cases.entries()) {
    heed();
    checked.push(await checkCase(engine, opCase));
    tell("checking kernels", i + 1, cases.length);
  }
  engine.store.destroy();
  const right = new Set(
    checked.filter(({ message }) => message === null).flatMap(({ kernels }) => [...kernels]),
  );
  return {
    kernels: [...new Set(checked.flatMap(({ kernels }) => [...kernels]))].sort(),
    cases: checked.length,
    wrong: checked.flatMap(({ name, kernels, message }) =>
      message === null ? [] : [{ name, kernels: suspects(kernels, right), message }]
    ),
    worst: Math.max(0, ...checked.map(({ worst }) => worst)),
  };
}

/** Those of some kernels that have been right nowhere; all where each has been somewhere. */
function suspects(kernels: ReadonlySet<string>, right: ReadonlySet<string>): string[] {
  const never = [...kernels].filter((name) => !right.has(name));
  return never.length > 0 ? never : [...kernels];
}

async function checkCase(engine: Engine, opCase: OpCase): Promise<Checked> {
  const kernels = new Set<string>();
  let worst = 0;
  try {
    const runs = [forwardOf, ...(opCase.gradient ? [gradientOf] : [])];
    for (const run of runs) {
      const { compared, stray, kernels: used } = await run(engine, opCase);
      for (const name of used) kernels.add(name);
      const message = stray.length > 0
        ? `writes beyond the end of ${stray[0]}`
        : compared.map(faultOf).find((fault) => fault !== null);
      if (message) return { name: opCase.name, kernels, message, worst: 0 };
      worst = Math.max(worst, ...compared.map(shareOf));
    }
  } catch (fault) {
    return { name: opCase.name, kernels, message: (fault as Error).message, worst: 0 };
  }
  return { name: opCase.name, kernels, message: null, worst };
}

function faultOf(compared: Compared): string | null {
  const wrong = firstWrong(compared);
  if (wrong === null) return null;
  const { what, found, expected, tolerance } = compared;
  const { i, error } = wrong;
  return `${what}[${i}]: found ${found[i]}, wanted ${expected[i]!.toPrecision(8)}, ` +
    `off by ${error.toExponential(1)}, wanted at most ${tolerance.toExponential(0)}`;
}

/** The largest error, as a share of what is allowed. */
function shareOf({ found, expected, tolerance }: Compared): number {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
  const off = expected.reduce((most, x, i) => Math.max(most, Math.abs(found[i]! - x)), 0);
  return off / largest / tolerance;
}
