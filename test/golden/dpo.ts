/** The golden values that make_dpo.py leaves. */
import type { Answer, Preference } from "../../src/objectives/preference/preference.ts";
import type { PreferenceStatistics } from "../../src/objectives/preference/statistics.ts";
import type { PreferenceConfig } from "../../src/objectives/settings.ts";
import { tensorsIn } from "./golden.ts";

/** The adapter's gradients by PEFT's names. */
type Gradients = ReadonlyMap<string, Float32Array>;

export interface DpoCase {
  readonly name: string;
  readonly settings: PreferenceConfig;
  readonly wanted: Partial<PreferenceStatistics>;
  readonly gradients: Gradients;
}

/** What TRL makes of some rows; base and adapter are those of llama.json. */
export interface DpoGolden {
  readonly rows: readonly { prompt: string; chosen: string; rejected: string }[];
  /** Of all chosen documents, then of all rejected: their tokens, and how many are the prompt's. */
  readonly ids: readonly (readonly number[])[];
  readonly prompt_lengths: readonly number[];
  readonly preferences: readonly Preference[];
  readonly cases: readonly DpoCase[];
  /** Updates with AdamW on all rows. */
  readonly updates: {
    readonly lr: number;
    readonly weight_decay: number;
    readonly losses: readonly number[];
    readonly margins: readonly number[];
  };
}

/** What a case came to, and how it was set. */
type Found = Record<keyof typeof FIELDS, number> & { readonly settings: PreferenceConfig };

/** The fields of the metrics by TRL's names. */
const FIELDS = {
  "loss": "loss",
  "rewards/chosen": "rewards_chosen",
  "rewards/rejected": "rewards_rejected",
  "rewards/accuracies": "reward_accuracy",
  "rewards/margins": "reward_margin",
} as const;

export function readDpoGolden(): DpoGolden {
  const golden = JSON.parse(Deno.readTextFileSync(new URL("dpo.json", import.meta.url)));
  const { ids, prompt_lengths, log_likelihoods, losses } = golden;
  const pairs = ids.length / 2;
  const answer = (i: number): Answer => ({
    tuned: log_likelihoods[Math.floor(i / pairs)][i % pairs],
    reference: log_likelihoods[2 + Math.floor(i / pairs)][i % pairs],
    tokens: ids[i].length - prompt_lengths[i],
  });
  const tensors = tensorsIn("dpo");
  return {
    ...golden,
    preferences: Array.from({ length: pairs }, (_, i) => ({
      chosen: answer(i),
      rejected: answer(pairs + i),
    })),
    cases: Object.entries<Found>(losses).map(([name, { settings, ...found }]) => ({
      name,
      settings,
      wanted: Object.fromEntries(
        Object.entries(found).map(([key, value]) => [FIELDS[key as keyof typeof FIELDS], value]),
      ),
      gradients: new Map(
        tensors.filter(([tensor]) => tensor.startsWith(`${name}/`))
          .map(([tensor, { numbers }]) => [tensor.slice(name.length + 1), numbers]),
      ),
    })),
  };
}
