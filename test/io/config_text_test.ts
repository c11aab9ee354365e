import assert from "node:assert/strict";
import { join } from "node:path";
import { configText } from "../../src/io/config_text.ts";
import { withFolder } from "./helpers.ts";

const text = `{\n  "final_logit_softcapping": 30.0,\n  "torch_dtype": "float32"\n}\n`;

Deno.test("configText() keeps 30.0, which JSON.parse would make 30", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(join(folder, "config.json"), text);
    assert.equal(configText(folder), text);
    assert.equal(configText(folder, { dtype: "BF16" }), text.replace("float32", "bfloat16"));
  }));

Deno.test("configText() names an element type in either spelling, or anew", () =>
  withFolder((folder) => {
    const of = (json: string) => {
      Deno.writeTextFileSync(join(folder, "config.json"), json);
      return JSON.parse(configText(folder, { dtype: "F16" }));
    };
    assert.deepEqual(of(`{"dtype": null}`), { dtype: "float16" });
    assert.deepEqual(of(`{"a": 1}`), { torch_dtype: "float16", a: 1 });
  }));
