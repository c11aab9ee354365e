/**
 * The metrics of a task of lm-evaluation-harness, and the filters that its answers go through.
 *
 * @module
 */
import { ConfigError } from "../../../errors.ts";
import { isObject } from "../../../io/files.ts";
import { findAll } from "../../../io/pattern.ts";
import { didYouMean } from "../../../io/nearest.ts";
import { type Metric, metricNames, metricOf, type TextMetric } from "../../metrics/mod.ts";
import type { TaskFields } from "./yaml.ts";

/** Their names there, and ours. */
const OURS: Readonly<Record<string, string>> = {
  acc: "accuracy",
  acc_norm: "accuracy_per_byte",
  acc_mutual_info: "accuracy_unconditional",
};

type Change = (text: string) => string;

/**
 * The metrics that a task names, `exact_match` with its options; behind each filter where there are
 * some, as `exact_match_strict-match`.
 *
 * @throws {ConfigError} for a metric or a filter that is not known.
 */
export function scoringOf(path: string, fields: TaskFields): Metric[] {
  const isChoice = fields["output_type"] === "multiple_choice";
  const byDefault = (isChoice ? ["acc", "acc_norm"] : ["exact_match"]).map((metric) => ({
    metric,
  }));
  const listed = fields["metric_list"];
  const metrics = (Array.isArray(listed) ? listed : byDefault).map((item) => metricIn(path, item));
  const filters = fields["filter_list"];
  if (!Array.isArray(filters)) return metrics;
  const named = filters.map((filter) => filterIn(path, filter));
  return metrics.flatMap((metric): Metric[] => {
    if (metric.kind === "choices") return [metric];
    return named.map(({ name, change }) => ({
      ...metric,
      name: `${metric.name}_${name}`,
      score: (output: string, reference: string) => metric.score(change(output), reference),
    }));
  });
}

function metricIn(path: string, item: unknown): Metric {
  const options: Record<string, unknown> = isObject(item) ? item : {};
  const { metric: name } = options;
  if (name === "exact_match") return exactMatch(path, options);
  const known = [...Object.keys(OURS), ...metricNames];
  if (typeof name !== "string" || !known.includes(name)) {
    const found = `${path}: found the metric ${JSON.stringify(name ?? null)} in metric_list`;
    const near = typeof name === "string" ? didYouMean(name, known) : "";
    throw new ConfigError(`${found}, wanted one of ${known.join(", ")}${near}`);
  }
  return metricOf(OURS[name] ?? name);
}

/** `exact_match` of lm_eval/api/metrics.py, which changes nothing that it is not told to. */
function exactMatch(path: string, options: Readonly<Record<string, unknown>>): TextMetric {
  const ignored = options["regexes_to_ignore"];
  const patterns = (Array.isArray(ignored) ? ignored : [])
    .map((source) => patternIn(path, "regexes_to_ignore", source));
  const change: Change = (text) => {
    let changed = patterns.reduce((left, pattern) => without(pattern, left), text);
    if (options["ignore_case"] === true) changed = changed.toLowerCase();
    if (options["ignore_punctuation"] === true) changed = changed.replace(/[!-/:-@[-`{-~]/g, "");
    return options["ignore_numbers"] === true ? changed.replace(/\d/g, "") : changed;
  };
  return {
    kind: "text",
    name: "exact_match",
    help: "the same text, but for what the task ignores (lm-evaluation-harness)",
    score: (output, reference) => change(output) === change(reference) ? 1 : 0,
  };
}

/** @throws {ConfigError} where it is no regular expression. */
function patternIn(path: string, key: string, source: unknown): string {
  try {
    return new RegExp(String(source)) && String(source);
  } catch {
    throw new ConfigError(`${path}: found ${key} ${source}, wanted a regular expression`);
  }
}

/** What is left of a text without what a pattern matches. */
function without(pattern: string, text: string): string {
  let left = "";
  let done = 0;
  for (const { index, 0: match } of findAll(pattern, text)) {
    left += text.slice(done, index);
    done = index + match.length;
  }
  return left + text.slice(done);
}

function filterIn(path: string, item: unknown): { name: string; change: Change } {
  const fields: Record<string, unknown> = isObject(item) ? item : {};
  const steps = Array.isArray(fields["filter"]) ? fields["filter"] : [];
  const changes = steps.map((step) => stepOf(path, isObject(step) ? step : {}));
  return {
    name: String(fields["name"] ?? "none"),
    change: (text) => changes.reduce((left, change) => change(left), text),
  };
}

function stepOf(path: string, step: Readonly<Record<string, unknown>>): Change {
  const name = step["function"];
  switch (name) {
    case "take_first":
      return (text) => text;
    case "lowercase":
      return (text) => text.toLowerCase();
    case "uppercase":
      return (text) => text.toUpperCase();
    case "remove_whitespace":
      return (text) => text.trimStart();
    case "regex":
      return regexStep(path, step);
  }
  const wanted = "wanted take_first, regex, lowercase, uppercase or remove_whitespace";
  throw new ConfigError(`${path}: found the filter ${JSON.stringify(name ?? null)}, ${wanted}`);
}

/** `RegexFilter` of lm_eval/filters/extraction.py. */
function regexStep(path: string, step: Readonly<Record<string, unknown>>): Change {
  const { regex_pattern: source, group_select: select = 0, fallback = "[invalid]" } = step;
  const pattern = patternIn(path, "regex_pattern", source ?? "#### (\\-?[0-9\\.\\,]+)");
  return (text) => {
    const found = findAll(pattern, text).at(Number(select));
    if (!found) return String(fallback);
    const groups = found.slice(1).filter((group) => group !== undefined && group !== "");
    return (found.length > 1 ? groups[0] ?? String(fallback) : found[0]).trim();
  };
}
