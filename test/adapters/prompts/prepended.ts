/** Golden documents behind virtual tokens. */
import { encode, rowTokenizer } from "../../../src/data/mod.ts";
import type { Model } from "../../../src/models/model.ts";
import type { Golden } from "../../golden/golden.ts";

/** Documents behind the virtual tokens of a model's adapter. */
export function prepended(model: Model, golden: Golden): Golden {
  const { virtual } = rowTokenizer(model);
  const encoder = { encode: () => [], bos: null, eos: null, virtual: virtual! };
  const examples = golden.ids.map((ids, i) =>
    encode({ kind: "tokens", ids, labels: golden.labels[i]!, origin: `document ${i}` }, encoder)
  );
  return { ...golden, examples };
}
