/** The golden values that make_gkd.py leaves. */
import type { Example } from "../../src/data/mod.ts";
import type { GkdConfig } from "../../src/objectives/settings.ts";
import { tensorsIn } from "./golden.ts";

export interface GkdCase {
  readonly name: string;
  /** Without the teacher, which is the base of gemma2.json. */
  readonly settings: Omit<GkdConfig, "teacher">;
  readonly wanted: { readonly loss: number };
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** In place of drawn answers, where some are drawn. */
  readonly drawn: readonly Example[] | null;
}

interface Written {
  readonly rows: readonly unknown[];
  readonly drawn: readonly { readonly prompt: number[]; readonly answer: number[] }[];
  readonly most_tokens: number;
  readonly cases: Readonly<
    Record<string, { readonly settings: Partial<GkdConfig>; readonly loss: number }>
  >;
}

export function readGkdGolden(): { rows: readonly unknown[]; cases: readonly GkdCase[] } {
  const path = new URL("gkd.json", import.meta.url);
  const { rows, drawn, most_tokens, cases }: Written = JSON.parse(Deno.readTextFileSync(path));
  const tensors = tensorsIn("gkd");
  const answers = drawn.map(({ prompt, answer }): Example => ({
    ids: Uint32Array.from([...prompt, ...answer]),
    labels: Int32Array.from([...prompt.map(() => -100), ...answer]),
    origin: "drawn",
  }));
  const found = Object.entries(cases).map(([name, { settings: own, loss }]): GkdCase => {
    const settings = {
      kind: "gkd",
      prompts: rows.length,
      max_tokens: most_tokens,
      ...own,
    } as const;
    const gradients = tensors.filter(([tensor]) => tensor.startsWith(`${name}/`))
      .map(([tensor, { numbers }]) => [tensor.slice(name.length + 1), numbers] as const);
    return {
      ...{ name, settings: settings as GkdCase["settings"], wanted: { loss } },
      ...{ gradients: new Map(gradients), drawn: own.lmbda === 1 ? answers : null },
    };
  });
  return { rows, cases: found };
}
