/**
 * Metrics of answers as rewards: exact match, containment, numbers, overlap of words.
 *
 * @module
 */
import { bestScore, metricOf, type TextMetric } from "../eval/metrics/mod.ts";
import { plainReward, type Reward, textsIn } from "./reward.ts";
import type { MetricReward } from "./settings.ts";

/** How right an answer is beside a column of its row, 0 to 1; 0 where the tag it is in is missing. */
export function metricReward({ metric: name, column, within }: MetricReward): Reward {
  const metric = metricOf(name) as TextMetric;
  return plainReward(name, (answer) => {
    const wanted = textsIn(answer, column, name);
    const judged = within === undefined ? answer.completion : inTag(answer.completion, within);
    return judged === null ? 0 : bestScore(metric, judged, wanted);
  });
}

/** What the last pair of a tag holds; null where there is none. */
export function inTag(text: string, tag: string): string | null {
  const end = text.lastIndexOf(`</${tag}>`);
  const begin = end < 0 ? -1 : text.lastIndexOf(`<${tag}>`, end);
  return begin < 0 ? null : text.slice(begin + tag.length + 2, end).trim();
}
