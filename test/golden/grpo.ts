/** The golden values that make_grpo.py leaves. */
import type { RolledAnswer, Rollout } from "../../src/online/rollouts.ts";
import type { OnlineConfig } from "../../src/objectives/settings.ts";
import { tensorsIn } from "./golden.ts";

export interface GrpoCase {
  readonly name: string;
  readonly settings: OnlineConfig;
  readonly wanted: Readonly<Record<"loss" | "kl" | "clip_share", number>>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** The answers as they were drawn. */
  readonly rollout: Rollout;
}

interface WrittenCase {
  readonly settings: Partial<OnlineConfig>;
  /** How likely tokens were drawn, where that is not as in the others. */
  readonly old?: readonly number[][];
}

/** As make_grpo.py writes it, answers in the order of their prompts. */
interface Written {
  readonly prompts: readonly number[][];
  readonly answers: readonly number[][];
  readonly rewards: readonly number[][];
  readonly old: readonly number[][];
  readonly most_tokens: number;
  readonly cases: Readonly<
    Record<string, GrpoCase["wanted"] & WrittenCase>
  >;
}

/** The id that ends an answer. */
const EOS = 2;

export function readGrpoGolden(): readonly GrpoCase[] {
  const path = new URL("grpo.json", import.meta.url);
  const { cases, ...written }: Written = JSON.parse(Deno.readTextFileSync(path));
  const tensors = tensorsIn("grpo");
  const shared = {
    ...{ rewards: [], prompts: 3, answers: 4, max_tokens: written.most_tokens, iterations: 1 },
    ...{ resample: 0, mask_truncated: false, temperature: 1, importance_sampling_level: "token" },
  };
  return Object.entries(cases).map(([name, { settings: own, old, loss, kl, clip_share }]) => {
    const settings = { ...shared, ...own } as OnlineConfig;
    const gradients = tensors.filter(([tensor]) => tensor.startsWith(`${name}/`))
      .map(([tensor, { numbers }]) => [tensor.slice(name.length + 1), numbers] as const);
    return {
      ...{ name, settings, wanted: { loss, kl, clip_share }, gradients: new Map(gradients) },
      rollout: rolloutOf({ ...written, ...(old && { old }) }, settings.mask_truncated),
    };
  });
}

function rolloutOf(
  { prompts, answers, rewards, old }: Omit<Written, "cases">,
  masks: boolean,
): Rollout {
  const each = rewards.flat();
  const size = rewards[0]!.length;
  return {
    number: 0,
    answers: answers.map((ids, i): RolledAnswer => ({
      ...{ group: Math.floor(i / size), reward: each[i]!, drawn: old[i]! },
      ...{ ids: [...prompts[i]!, ...ids], promptLength: prompts[i]!.length },
      isCut: ids.at(-1) !== EOS,
      isMasked: masks && ids.at(-1) !== EOS,
    })),
    told: { reward: 0, reward_std: 0, no_signal: 0, answer_tokens: 0, truncated: 0 },
  };
}
