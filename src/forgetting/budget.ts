/**
 * What may be forgotten, as a user writes it: `ppl:2%`, `kl:0.02`, `ppl[stories]:1%,ppl[code]:5%`.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";

/** `ppl`: how much the perplexity rises; `kl`: how far the predictions move. */
export type Metric = "ppl" | "kl";

/** How much one domain of the retention text may be forgotten. */
export interface Budget {
  /** Name of the domain, or null for all text together. */
  readonly domain: string | null;
  readonly metric: Metric;
  /** In nats a token: log(1 + rise) for `ppl`, the divergence itself for `kl`. */
  readonly epsilon: number;
  /** As it was written. */
  readonly text: string;
}

const PART = /^(ppl|kl)(?:\[([^\]]+)\])?:([0-9.]+)(%?)$/;

/**
 * Reads a budget.
 *
 * @throws {ConfigError} where it is not one, names a domain twice, or names some domains but not all.
 */
export function parseBudget(text: string): Budget[] {
  const budgets = text.split(",").map((part) => parsePart(part.trim(), text));
  const names = budgets.map(({ domain }) => domain);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    const what = twice === null ? "a budget for all text" : `the domain ${twice}`;
    throw new ConfigError(`Found ${what} twice in "${text}", wanted it once`);
  }
  if (names.includes(null) && names.length > 1) {
    throw new ConfigError(
      `Found a budget for all text beside those of domains in "${text}", wanted one or the other`,
    );
  }
  return budgets;
}

function parsePart(part: string, whole: string): Budget {
  const [, metric, domain = null, digits, percent] = PART.exec(part) ?? [];
  const number = Number(digits);
  const fits = metric === "ppl" ? percent === "%" : percent === "";
  if (!fits || !(number > 0 && number < 1000)) {
    throw new ConfigError(
      `Found "${part}" in the budget "${whole}", wanted ppl:PERCENT% or kl:NATS, such as ppl:2%, ` +
        "kl:0.02 or ppl[stories]:1%",
    );
  }
  const epsilon = metric === "ppl" ? Math.log1p(number / 100) : number;
  return { domain, metric: metric as Metric, epsilon, text: part };
}

/** An upper bound in the unit of its budget, rounded up: what is said is never less than was shown. */
export function atMost(metric: Metric, bound: number): string {
  if (metric === "kl") return (Math.ceil(bound * 1e4) / 1e4).toFixed(4);
  const percent = 100 * Math.expm1(bound);
  const digits = Math.abs(percent) < 1 ? 2 : 1;
  const up = Math.ceil(percent * 10 ** digits) / 10 ** digits;
  return `${up < 0 ? "" : "+"}${up.toFixed(digits)} %`;
}

/** How sure a claim is, rounded down to at most four digits of delta: `99.5 %`, `96.66 %`. */
export function confidence(delta: number): string {
  const scale = 10 ** (2 - Math.floor(Math.log10(100 * delta)));
  // A float a hair below a short decimal is that decimal.
  return `${Math.floor(Number((100 * (1 - delta) * scale).toPrecision(12))) / scale} %`;
}

/** A shift in nats a token in the unit of its budget: `+1.3 %` of perplexity, or `0.0131` nats. */
export function inUnit(metric: Metric, shift: number): string {
  if (metric === "kl") return shift.toFixed(4);
  const percent = 100 * Math.expm1(shift);
  return `${percent < 0 ? "" : "+"}${percent.toFixed(Math.abs(percent) < 1 ? 2 : 1)} %`;
}
