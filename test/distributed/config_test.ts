/** What ranks can be asked for. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";
import { ConfigError } from "../../src/errors.ts";

const VALUES = { model: "base", data: [{ path: "rows.jsonl" }] };

Deno.test("answers that are drawn while it trains are drawn by one process", () => {
  const objective = { kind: "grpo", rewards: [{ kind: "length", most: 10 }] };
  const values = { ...VALUES, objective };
  parseConfig({ values });
  assert.throws(
    () => parseConfig({ values: { ...values, distributed: "mpi" } }),
    (fault) => {
      assert.ok(fault instanceof ConfigError);
      assert.match(fault.message, /^distributed: found mpi beside objective.kind grpo, wanted one/);
      return true;
    },
  );
  parseConfig({ values: { ...VALUES, distributed: "mpi" } });
});
