/** Policy and values of a bandit that are learnt together, and advantages written out. */
import assert from "node:assert/strict";
import {
  outcomesOf,
  type ValuedAnswer,
  valuedUpdate,
} from "../../../src/objectives/policy/values.ts";

const SETTINGS = {
  ...{ rewards: [], prompts: 1, answers: 4, max_tokens: 2, iterations: 1, resample: 0 },
  ...{ mask_truncated: false, temperature: 1, epsilon: 0.2, epsilon_high: 0.2 },
  ...{ beta: 0.5, gamma: 0.9, gae_lambda: 0.8, value_coef: 1, epsilon_value: 0.1 },
};

Deno.test("advantages are sums of what is to come, as the values expect it", () => {
  const [gamma, lambda] = [0.9, 0.8];
  const [drawn, base, expected] = [[-1, -2, -0.5], [-1.5, -1, -0.5], [0.3, -0.2, 0.7]];
  const answer = { group: 0, reward: 2, isMasked: false, drawn, base, expected };
  const masked = { ...answer, isMasked: true };
  const rewards = drawn.map((nats, t) => (t === 2 ? 2 : 0) - 0.5 * (nats - base[t]!));
  const deltas = rewards.map((own, t) => own + gamma * (expected[t + 1] ?? 0) - expected[t]!);
  const plain = deltas.map((_, t) =>
    deltas.slice(t).reduce((sum, delta, k) => sum + (gamma * lambda) ** k * delta, 0)
  );
  const mean = plain.reduce((sum, value) => sum + value, 0) / 3;
  const variance = plain.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2;
  const [found] = outcomesOf([answer, masked], SETTINGS);
  for (const [t, value] of plain.entries()) {
    assert.ok(Math.abs(found!.advantages[t]! - (value - mean) / Math.sqrt(variance)) < 1e-7);
    assert.ok(Math.abs(found!.returns[t]! - value - expected[t]!) < 1e-12);
  }
});

Deno.test("derivatives by likelihoods and values are those of the loss; masked answers have none", () => {
  const numbers = (seed: number) => [0, 1, 2].map((t) => Math.sin(7 * seed + 3 * t));
  const answers = [0, 1, 2, 3].map((i): ValuedAnswer => ({
    ...{ group: 0, reward: i % 3, isMasked: i === 3, drawn: numbers(i).map((x) => x - 2) },
    ...{ tuned: numbers(i + 10).map((x) => 0.1 * x - 2), base: numbers(i + 20).map((x) => x - 2) },
    ...{ expected: numbers(i + 30), values: numbers(i + 31) },
  }));
  const { weights, dvalues } = valuedUpdate(answers, SETTINGS);
  const lossAt = (i: number, t: number, of: "tuned" | "values", by: number) => {
    const moved = answers.map((answer, j) =>
      j === i
        ? { ...answer, [of]: [...Array.from(answer[of])].map((x, s) => s === t ? x + by : x) }
        : answer
    );
    return valuedUpdate(moved, SETTINGS).loss;
  };
  for (let i = 0; i < answers.length; i++) {
    for (let t = 0; t < 3; t++) {
      for (
        const [of, found] of [["tuned", -weights[i]![t]!], ["values", dvalues[i]![t]!]] as const
      ) {
        const wanted = (lossAt(i, t, of, 1e-6) - lossAt(i, t, of, -1e-6)) / 2e-6;
        assert.ok(
          Math.abs(found - wanted) < 1e-6,
          `${of} ${i} ${t}: ${found} instead of ${wanted}`,
        );
      }
    }
  }
  assert.deepEqual([...weights[3]!, ...dvalues[3]!], [0, 0, 0, 0, 0, 0]);
  assert.ok(
    dvalues.some((values) => values.includes(0)) && weights.flatMap((w) => [...w]).includes(0),
  );
});

Deno.test("bandit: ppo finds the best policy beside the base, and its value what that comes to", () => {
  const [base, rewards, beta] = [[0.5, 0.3, 0.2], [0, 0.4, 1], 0.5];
  const config = { ...SETTINGS, beta, gamma: 1, gae_lambda: 0.95 };
  let policy = [...base];
  const logits = base.map(Math.log);
  let value = 0;
  for (let step = 0; step < 400; step++) {
    // Every pair of arms, each as likely as it is.
    const gradient = [0, 0, 0];
    let dvalue = 0;
    for (let pair = 0; pair < 9; pair++) {
      const arms = [pair % 3, Math.floor(pair / 3)];
      const chance = policy[arms[0]!]! * policy[arms[1]!]!;
      const answers = arms.map((arm): ValuedAnswer => {
        const likely = [Math.log(policy[arm]!)];
        const nats = { drawn: likely, tuned: likely, base: [Math.log(base[arm]!)] };
        return {
          group: 0,
          reward: rewards[arm]!,
          isMasked: false,
          ...nats,
          expected: [value],
          values: [value],
        };
      });
      const { weights, dvalues } = valuedUpdate(answers, config);
      for (const [i, arm] of arms.entries()) {
        dvalue += chance * dvalues[i]![0]!;
        for (const j of gradient.keys()) {
          gradient[j]! -= chance * weights[i]![0]! * ((arm === j ? 1 : 0) - policy[j]!);
        }
      }
    }
    const rate = 1 / (1 + step / 20);
    for (const j of logits.keys()) logits[j]! -= rate * gradient[j]!;
    value -= 0.5 * dvalue;
    const all = logits.map(Math.exp);
    policy = all.map((weight) => weight / all.reduce((sum, weight) => sum + weight, 0));
  }
  const best = base.map((share, arm) => share * Math.exp(rewards[arm]! / beta));
  const sum = best.reduce((sum, share) => sum + share, 0);
  for (const [arm, share] of best.entries()) {
    assert.ok(Math.abs(policy[arm]! / (share / sum) - 1) < 0.01, `${policy}`);
  }
  const worth = beta * Math.log(sum); // of the best policy: what each of its arms is worth
  assert.ok(Math.abs(value - worth) < 0.01, `${value} instead of ${worth}`);
});
