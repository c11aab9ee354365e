/**
 * A bandit whose best policy is known: answers of one token, every possible rollout weighed by how likely
 * it is, so that an update is the one expected. What moves it are the methods' own weights.
 */
import assert from "node:assert/strict";
import type { MeasuredAnswer } from "../../../src/objectives/policy/answer.ts";
import { policyUpdate } from "../../../src/objectives/policy/update.ts";
import type { PolicyConfig } from "../../../src/objectives/settings.ts";

const ANSWERS = 4;
const BETA = 0.5;
const SHARED = {
  ...{ rewards: [], prompts: 1, answers: ANSWERS, max_tokens: 1, iterations: 1, resample: 0 },
  ...{ mask_truncated: false, beta: BETA, epsilon: 0.2, epsilon_high: 0.2, temperature: 1 },
};
const GRPO = {
  ...SHARED,
  ...{ kind: "grpo", scale_rewards: "none", unbiased_kl: true } as const,
  importance_sampling_level: "token",
} as const;

/** The policy of the base, and what each arm is worth. */
interface Bandit {
  readonly base: readonly number[];
  readonly rewards: readonly number[];
}

const THREE: Bandit = { base: [0.5, 0.3, 0.2], rewards: [0, 0.4, 1] };
const TWO: Bandit = { base: [0.7, 0.3], rewards: [0, 1] };

/** Every choice of so many arms. */
function* rolloutsOf(arms: number, count = ANSWERS): Generator<number[]> {
  if (count === 0) return yield [];
  for (const rest of rolloutsOf(arms, count - 1)) {
    for (let arm = 0; arm < arms; arm++) yield [arm, ...rest];
  }
}

const normalised = (weights: readonly number[]): number[] => {
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / sum);
};

/** Where expected updates lead, the steps becoming smaller. */
function policyAfter(config: PolicyConfig, { base, rewards }: Bandit, updates = 250): number[] {
  let policy = [...base];
  const logits = base.map(Math.log);
  for (let step = 0; step < updates; step++) {
    const gradient = base.map(() => 0);
    for (const arms of rolloutsOf(base.length)) {
      const chance = arms.reduce((product, arm) => product * policy[arm]!, 1);
      const answers = arms.map((arm): MeasuredAnswer => {
        const likely = [Math.log(policy[arm]!)];
        const nats = { drawn: likely, tuned: likely, base: [Math.log(base[arm]!)] };
        return { group: 0, reward: rewards[arm]!, isMasked: false, ...nats };
      });
      const { weights } = policyUpdate(answers, config);
      for (const [i, arm] of arms.entries()) {
        const weight = chance * weights[i]![0]!;
        for (const j of gradient.keys()) {
          gradient[j]! -= weight * ((arm === j ? 1 : 0) - policy[j]!);
        }
      }
    }
    for (const j of logits.keys()) logits[j]! -= 4 / (1 + step / 20) * gradient[j]!;
    policy = normalised(logits.map(Math.exp));
  }
  return policy;
}

function assertPolicy(found: readonly number[], wanted: readonly number[]): void {
  for (const [arm, share] of wanted.entries()) {
    assert.ok(Math.abs(found[arm]! / share - 1) < 0.01, `${found} instead of ${wanted}`);
  }
}

/** The policy of most reward less `beta` nats from the base: base * exp(reward / beta). */
const regularised = ({ base, rewards }: Bandit, worth = 1): number[] =>
  normalised(base.map((share, arm) => share * Math.exp(worth * rewards[arm]! / BETA)));

/** An answer is in the mean that it is judged beside, which takes a share of what it is worth. */
const OTHERS = (ANSWERS - 1) / ANSWERS;

/** The zero between two numbers of a function that falls. */
function zeroOf(f: (x: number) => number, low: number, high: number): number {
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (f(middle) > 0) low = middle;
    else high = middle;
  }
  return low;
}

for (const loss of ["grpo", "dr_grpo", "dapo"] as const) {
  Deno.test(`bandit: ${loss} finds the best policy beside the base`, () => {
    assertPolicy(policyAfter({ ...GRPO, loss }, THREE), regularised(THREE, OTHERS));
  });
}

Deno.test("bandit: grpo in deviations of the group stops where its advantages and the base are even", () => {
  const [, base] = TWO.base as [number, number];
  const choose = [1, 4, 6, 4, 1];
  /** Of the better arm's share: what moves it up less what the base costs. */
  const force = (p: number) => {
    const advantage = choose.reduce((sum, ways, wins) => {
      const deviation = Math.sqrt(wins * (ANSWERS - wins) / (ANSWERS * (ANSWERS - 1))) + 1e-4;
      const chance = ways * p ** wins * (1 - p) ** (ANSWERS - wins);
      return sum + chance * wins / ANSWERS * (1 - wins / ANSWERS) / deviation;
    }, 0);
    return advantage - BETA * p * (1 - p) * Math.log(p * (1 - base) / ((1 - p) * base));
  };
  const p = zeroOf(force, 0.3, 1 - 1e-9);
  const found = policyAfter({ ...GRPO, loss: "dapo", scale_rewards: "group" }, TWO);
  assertPolicy(found, [1 - p, p]);
});

Deno.test("bandit: a divergence that is not weighed by the ratio is that of the base from the policy", () => {
  const { base, rewards } = THREE;
  const shares = (mean: number) =>
    base.map((share, arm) => BETA * share / (BETA - OTHERS * (rewards[arm]! - mean)));
  const sum = (mean: number) => shares(mean).reduce((sum, share) => sum + share, 0) - 1;
  const least = 1 - BETA / OTHERS + 1e-9; // the best arm's share is above 0
  const found = policyAfter({ ...GRPO, loss: "grpo", unbiased_kl: false }, THREE);
  assertPolicy(found, shares(zeroOf(sum, least, 1)));
});

Deno.test("bandit: rloo finds the best policy beside the base", () => {
  for (const normalise_advantages of [false, true]) {
    const found = policyAfter({ ...SHARED, kind: "rloo", normalise_advantages }, THREE, 500);
    assertPolicy(found, regularised(THREE));
  }
});

Deno.test("bandit: reinforce++ finds the best policy beside the base", () => {
  assertPolicy(policyAfter({ ...SHARED, kind: "reinforce++" }, THREE, 800), regularised(THREE));
});
