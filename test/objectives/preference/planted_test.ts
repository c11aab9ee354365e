/**
 * Preferences that are planted: answers are arms, and which of two is preferred follows rewards by Bradley
 * and Terry. The policy that DPO's paper derives is known: base * exp(reward / beta).
 */
import assert from "node:assert/strict";
import { lossOf } from "../../../src/objectives/preference/losses.ts";
import { logistic } from "../../../src/objectives/preference/preference.ts";
import type { DpoConfig } from "../../../src/objectives/settings.ts";

const DPO: DpoConfig = {
  ...{ kind: "dpo", loss: "sigmoid", beta: 0.5, label_smoothing: 0, sft_weight: 0 },
};
const BASE = [0.5, 0.3, 0.2];
const REWARDS = [0, 0.4, 1];

const normalised = (weights: readonly number[]): number[] => {
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / sum);
};

/** How often arm `a` is preferred to arm `b`. */
const preferred = (a: number, b: number): number => logistic(REWARDS[a]! - REWARDS[b]!);

/** Where gradient descent on all pairs leads, each weighed by how often it is chosen so. */
function policyAfter(config: DpoConfig, chosenSo = preferred, rate = 0.5): number[] {
  const { gradient } = lossOf(config);
  const logits = BASE.map(Math.log);
  for (let step = 0; step < 4000; step++) {
    const policy = normalised(logits.map(Math.exp));
    const d = logits.map(() => 0);
    const answer = (arm: number) => ({
      tuned: Math.log(policy[arm]!),
      reference: Math.log(BASE[arm]!),
      tokens: 1,
    });
    for (const a of BASE.keys()) {
      for (const b of BASE.keys()) {
        if (a === b) continue;
        const found = gradient({ chosen: answer(a), rejected: answer(b) });
        for (const [arm, slope] of [[a, found.dchosen], [b, found.drejected]] as const) {
          for (const j of d.keys()) {
            d[j]! += chosenSo(a, b) * slope * ((arm === j ? 1 : 0) - policy[j]!);
          }
        }
      }
    }
    for (const j of logits.keys()) logits[j]! -= rate * d[j]!;
  }
  return normalised(logits.map(Math.exp));
}

function assertPolicy(found: readonly number[], wanted: readonly number[]): void {
  for (const [arm, share] of wanted.entries()) {
    assert.ok(Math.abs(found[arm]! / share - 1) < 0.01, `${found} instead of ${wanted}`);
  }
}

const BEST = normalised(BASE.map((share, arm) => share * Math.exp(REWARDS[arm]! / DPO.beta)));

Deno.test("planted preferences: dpo finds the best policy beside the base", () => {
  assertPolicy(policyAfter(DPO), BEST);
});

Deno.test("planted preferences: robust finds the same though a fifth of them are turned", () => {
  const turned = (a: number, b: number) => 0.8 * preferred(a, b) + 0.2 * preferred(b, a);
  assertPolicy(policyAfter({ ...DPO, loss: "robust", label_smoothing: 0.2 }, turned), BEST);
  assert.throws(() => assertPolicy(policyAfter(DPO, turned), BEST));
});

Deno.test("planted preferences: ipo's log-ratios lie apart by how often one is preferred", () => {
  const found = policyAfter({ ...DPO, loss: "ipo" }, preferred, 0.05);
  const ratios = found.map((share, arm) => Math.log(share / BASE[arm]!));
  // Least squares over all pairs of the distances that are wanted, (2 p - 1) / (2 beta).
  const wanted = (a: number, b: number) => (2 * preferred(a, b) - 1) / (2 * DPO.beta);
  const best = BASE.keys().map((a) =>
    [...BASE.keys()].reduce((sum, b) => sum + wanted(a, b), 0) / BASE.length
  ).toArray();
  for (const [a, b] of [[0, 1], [1, 2], [0, 2]] as const) {
    const [apart, should] = [ratios[a]! - ratios[b]!, best[a]! - best[b]!];
    assert.ok(Math.abs(apart / should - 1) < 0.01, `${apart} instead of ${should}`);
  }
});
