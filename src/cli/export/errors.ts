/**
 * How far rounding has moved the matrices of a file: a line a layer.
 *
 * @module
 */
import type { RoundedMatrix } from "../../export/gguf_model.ts";
import { columns } from "../lib/columns.ts";

const percent = (error: number) => `${(100 * error).toFixed(2)} %`;

/** A table of the blocks' matrices, then those that stand alone. */
export function describeErrors(found: readonly RoundedMatrix[]): string[] {
  const layers = new Map<number, Map<string, string>>();
  const alone: string[] = [];
  for (const { name, type, error } of found) {
    const [, at, module] = /^blk\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
    if (module === undefined) {
      alone.push(`${name.replace(/\.weight$/, "")}: ${percent(error)} (${type})`);
      continue;
    }
    const layer = layers.get(Number(at)) ?? new Map<string, string>();
    layers.set(Number(at), layer.set(module, percent(error)));
  }
  const modules = [...new Set([...layers.values()].flatMap((layer) => [...layer.keys()]))];
  const rows = [...layers].toSorted(([a], [b]) => a - b)
    .map(([layer, cells]) => [`${layer}`, ...modules.map((module) => cells.get(module) ?? "")]);
  return [
    "error of rounding, root mean square over that of the numbers",
    ...columns([["layer", ...modules], ...rows], { right: [0, ...modules.map((_, i) => i + 1)] }),
    ...alone,
  ];
}
