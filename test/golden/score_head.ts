/** The golden values that make_score_head.py leaves. */
import { type Golden, readGolden, tensorsIn } from "./golden.ts";

/** What a loss of scores comes to. */
export interface ScoreCase {
  readonly loss: number;
  readonly accuracy: number;
  readonly margin: number;
  readonly mean_reward: number;
  readonly centring: number;
  readonly has_margin: boolean;
}

/** What transformers, PEFT and TRL make of heads of scores. */
export interface ScoreGolden {
  readonly classes: {
    readonly labels: readonly string[];
    readonly rows: readonly { readonly text: string; readonly label: string | number }[];
    readonly scores: readonly (readonly number[])[];
    readonly loss: number;
    readonly adapter: Golden["adapter"];
  };
  readonly rewards: {
    readonly pairs: readonly { readonly margin: number }[];
    /** Of all chosen answers, then of all rejected. */
    readonly scores: readonly number[];
    readonly cases: Readonly<Record<string, ScoreCase>>;
    readonly ranked: {
      readonly rows: readonly unknown[];
      readonly scores: readonly (readonly number[])[];
      readonly centring: number;
      readonly loss: number;
    };
    readonly adapter: Golden["adapter"];
  };
}

export const readScoreGolden = (): ScoreGolden =>
  JSON.parse(Deno.readTextFileSync(new URL("score_head.json", import.meta.url)));

const tensors = tensorsIn("score_head");

/** The gradients of a case by PEFT's names. */
export const scoreGradients = (name: string): ReadonlyMap<string, Float32Array> =>
  new Map(
    tensors.filter(([tensor]) => tensor.startsWith(`${name}/`))
      .map(([tensor, { numbers }]) => [tensor.slice(name.length + 1), numbers]),
  );

/** The base of llama.json with an adapter as PEFT has saved it. */
export function withSaved(adapter: Golden["adapter"], name: "classifier" | "reward"): Golden {
  const llama = readGolden("llama");
  const weights = [...llama.tensors].filter(([tensor]) => tensor.startsWith("weight/"));
  const saved = tensors.filter(([tensor]) => tensor.startsWith(`${name}/`))
    .map(([tensor, value]) => [tensor.replace(`${name}/`, "lora/"), value] as const);
  return { ...llama, adapter, tensors: new Map([...weights, ...saved]) };
}
