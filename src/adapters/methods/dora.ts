/**
 * DoRA: LoRA whose rows have lengths of their own, y = (m / |W + scale B A|) (x (W + scale B A)^T),
 * the norms by rows and without a gradient (Liu et al., 2024, arXiv 2402.09353; PEFT's
 * `DoraLinearLayer`).
 *
 * @module
 */
import { changedNorms, rowNorms } from "../../models/norms.ts";
import { add, doraRatio, dropout, linear, scale as times, scaleColumns } from "../../ops/mod.ts";
import { addDelta, LORA } from "./lora.ts";
import { type AdapterMethod, towards } from "./method.ts";

export const DORA: AdapterMethod = {
  name: "dora",
  field: "use_dora",
  linearNames: { ...LORA.linearNames, magnitude: "lora_magnitude_vector" },

  kept: (key, sizes) =>
    key === "magnitude"
      ? { shape: [sizes.outFeatures], layout: "rows", keep: (x) => x, peft: (x) => x }
      : LORA.kept(key, sizes),

  fresh: (module, seed, base) => ({
    ...LORA.fresh(module, seed, base),
    magnitude: rowNorms(base, `${module.name}.weight`),
  }),

  linear(graph, layer, { params, scale, dropout: drop }) {
    const { x, w, residual } = layer;
    const [a, b, magnitude] = [params.a!, params.b!, params.magnitude!];
    const norms = layer.rowNorms();
    const ratio = doraRatio(graph, { w, norms, a, b, scale, magnitude });
    const adapter = { a, b, scale };
    if (!drop) return scaleColumns(graph, linear(graph, x, w, { adapter }), ratio, residual);
    // As PEFT: y = x W^T + (ratio - 1) (kept W^T) + ratio scale (kept A^T) B^T, for kept = dropout(x).
    const kept = dropout(graph, x, drop);
    const rest = add(graph, x, times(graph, kept, -1));
    const base = linear(graph, rest, w, { residual });
    return scaleColumns(graph, linear(graph, kept, w, { adapter }), ratio, base);
  },

  atBase: (key, module, base) =>
    key === "magnitude" ? rowNorms(base, `${module.name}.weight`) : LORA.atBase(key, module, base),

  atScaling(weights, scaling, base) {
    const norms = rowNorms(base, `${weights.module}.weight`);
    const magnitude = weights.magnitude!.map((m, row) => towards(norms[row]!, m, scaling));
    return { ...LORA.atScaling(weights, scaling, base), magnitude };
  },

  merge(weights, base) {
    const { module, magnitude, outFeatures } = weights;
    const name = `${module}.weight`;
    const update = LORA.merge(weights, base);
    const isTurned = base.isTransposed(name);
    let norms: Float32Array | undefined; // of all rows before the first is changed
    return (values, firstRow) => {
      norms ??= changedNorms(base, name, (rows, first) => addDelta(rows, first, weights));
      update(values, firstRow);
      const width = isTurned ? outFeatures : weights.inFeatures;
      for (let i = 0; i < values.length; i++) {
        const row = isTurned ? i % width : firstRow + Math.floor(i / width);
        if (norms[row] !== magnitude![row]) values[i]! *= magnitude![row]! / norms[row]!;
      }
    };
  },
};
