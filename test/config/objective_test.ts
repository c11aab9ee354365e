import assert from "node:assert/strict";
import { configHelp, parseConfig } from "../../src/config/mod.ts";

const NEEDED = { model: "base", data: "rows.jsonl" };

Deno.test("parseConfig(): each kind of objective has keys of its own", () => {
  const objectiveOf = (flags: Record<string, string>) =>
    parseConfig({ flags: { ...NEEDED, ...flags } }).config.objective;
  const dpo = { kind: "dpo", beta: 0.1, loss: "sigmoid", label_smoothing: 0, sft_weight: 0 };
  assert.deepEqual(objectiveOf({ "objective.kind": "dpo" }), dpo);
  const flags = { "objective.kind": "dpo", "objective.loss": "ipo", "objective.beta": "0.5" };
  assert.deepEqual(objectiveOf(flags), { ...dpo, loss: "ipo", beta: 0.5 });
  const simpo = { kind: "simpo", beta: 2, gamma: 0.5, label_smoothing: 0, sft_weight: 0 };
  assert.deepEqual(objectiveOf({ "objective.kind": "simpo" }), simpo);
  assert.deepEqual(objectiveOf({ "objective.kind": "orpo" }), { kind: "orpo", beta: 0.1 });
  const kto = { kind: "kto", beta: 0.1, loss: "kto", desirable_weight: 1, undesirable_weight: 1 };
  assert.deepEqual(objectiveOf({ "objective.kind": "kto" }), kto);
  assert.equal(configHelp().match(/--objective\.kind/g)?.length, 1);
  const refuse = (flags: Record<string, string>, message: RegExp) =>
    assert.throws(() => objectiveOf(flags), message);
  refuse(
    { "objective.beta": "1" },
    /objective\.kind: missing, wanted sft, dpo, cpo, simpo, orpo, kto, classify, reward, gkd, grpo, rloo, reinforce\+\+ or ppo/,
  );
  refuse({ "objective.kind": "sft", "objective.beta": "1" }, /--objective\.beta: found one beside/);
});
