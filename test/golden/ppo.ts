/** The golden values that make_ppo.py leaves. */
import type { RolledAnswer, Rollout } from "../../src/online/rollouts.ts";
import type { PpoConfig } from "../../src/objectives/settings.ts";
import { type Golden, readGolden, tensorsIn } from "./golden.ts";

export interface PpoCase {
  readonly name: string;
  readonly settings: PpoConfig;
  readonly wanted: Readonly<Record<"loss" | "value_loss" | "clip_share", number>>;
  /** Of each answer's tokens, put around 0. */
  readonly advantages: readonly (readonly number[])[];
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

interface Written {
  readonly prompts: readonly number[][];
  readonly answers: readonly number[][];
  readonly rewards: readonly number[][];
  readonly old: readonly number[][];
  readonly base: readonly number[][];
  readonly expected: readonly number[][];
  readonly most_tokens: number;
  readonly cases: Readonly<
    Record<
      string,
      PpoCase["wanted"] & Pick<PpoCase, "advantages"> & { readonly settings: Partial<PpoConfig> }
    >
  >;
}

const HEAD = "score.weight";
const SHARED = {
  ...{ kind: "ppo", rewards: [], prompts: 3, answers: 4, iterations: 1, resample: 0 } as const,
  ...{ mask_truncated: false, temperature: 1 },
};

/** Answers as they were drawn, the cases, and the base with its adapter and its head of values. */
export function readPpoGolden(): {
  readonly rollout: Rollout;
  /** How likely the base has each token, in nats. */
  readonly base: readonly number[][];
  readonly cases: readonly PpoCase[];
  readonly model: Golden;
} {
  const path = new URL("ppo.json", import.meta.url);
  const { cases, ...written }: Written = JSON.parse(Deno.readTextFileSync(path));
  const tensors = tensorsIn("ppo");
  const found = Object.entries(cases).map(([name, { settings: own, advantages, ...wanted }]) => {
    const { loss, value_loss, clip_share } = wanted;
    const settings = { ...SHARED, max_tokens: written.most_tokens, ...own } as PpoConfig;
    const gradients = tensors.filter(([tensor]) => tensor.startsWith(`${name}/`))
      .map(([tensor, { numbers }]) => [tensor.slice(name.length + 1), numbers] as const);
    return {
      ...{ name, settings: { ...settings, epsilon_high: settings.epsilon }, advantages },
      ...{ wanted: { loss, value_loss, clip_share }, gradients: new Map(gradients) },
    };
  });
  const llama = readGolden("llama");
  const [, head] = tensors.find(([tensor]) => tensor === "head")!;
  const model = {
    ...llama,
    adapter: { ...llama.adapter, modules_to_save: ["score"] },
    tensors: new Map([...llama.tensors, [`lora/base_model.model.${HEAD}`, head] as const]),
  };
  return { rollout: rolloutOf(written), base: written.base, cases: found, model };
}

function rolloutOf(
  { prompts, answers, rewards, old, expected }: Omit<Written, "cases">,
): Rollout {
  const each = rewards.flat();
  const size = rewards[0]!.length;
  return {
    number: 0,
    answers: answers.map((ids, i): RolledAnswer => ({
      ...{ group: Math.floor(i / size), reward: each[i]!, drawn: old[i]!, expected: expected[i]! },
      ...{ ids: [...prompts[i]!, ...ids], promptLength: prompts[i]!.length },
      ...{ isCut: false, isMasked: false },
    })),
    told: { reward: 0, reward_std: 0, no_signal: 0, answer_tokens: 0, truncated: 0 },
  };
}
