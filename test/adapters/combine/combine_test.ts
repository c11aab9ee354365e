/** Several adapters made one, against PEFT's add_weighted_adapter: see make_combined.py. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  combine,
  type Combined,
  type CombineOptions,
} from "../../../src/adapters/combine/combine.ts";
import { COMBINE_METHODS, type CombineMethod } from "../../../src/adapters/combine/methods.ts";
import { mix } from "../../../src/adapters/combine/mix.ts";
import { type LoraWeights, type PeftAdapter, readPeft } from "../../../src/adapters/peft/folder.ts";
import { ConfigError } from "../../../src/errors.ts";
import { fromFloat32, writeSafetensors } from "../../../src/io/safetensors/safetensors.ts";
import { random } from "../../../src/random.ts";
import { report } from "../../golden/checks.ts";
import { tensorsIn } from "../../golden/golden.ts";

type Summary = readonly [norm: number, product: number];

interface Case extends Omit<CombineOptions, "density" | "seed" | "baseModel"> {
  readonly adapters: readonly number[];
  readonly weights: readonly number[];
  readonly wanted: {
    readonly rank: number;
    readonly targets: readonly string[];
    readonly modules: Readonly<Record<string, Readonly<Record<"a" | "b" | "update", Summary>>>>;
  };
}

const GOLDEN = new URL("../../golden/peft/combined.json", import.meta.url);
const { density, seed, adapters: configs, cases }: {
  readonly density: number;
  readonly seed: number;
  readonly adapters: readonly object[];
  readonly cases: readonly Case[];
} = JSON.parse(Deno.readTextFileSync(fileURLToPath(GOLDEN)));

/** The golden adapters, as read from the folders that PEFT would have left. */
const ADAPTERS = configs.map((config, i): PeftAdapter => {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    Deno.writeTextFileSync(join(folder, "adapter_config.json"), JSON.stringify(config));
    const own = tensorsIn("peft/combined").filter(([name]) => name.startsWith(`${i}/`));
    const tensors = own.map(([name, { shape, numbers }]) =>
      ({ name: name.slice(2), dtype: "F32", shape, data: fromFloat32(numbers, "F32") }) as const
    );
    writeSafetensors(join(folder, "adapter_model.safetensors"), tensors);
    return readPeft(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

const given = (adapters: readonly number[], weights: readonly number[]): Combined[] =>
  adapters.map((number, i) => ({
    folder: `adapter-${number}`,
    adapter: ADAPTERS[number]!,
    weight: weights[i]!,
  }));

/** Norm and product with cos(0), cos(1), ... as make_golden.py has them. */
function summary(numbers: ArrayLike<number>): Summary {
  const all = Array.from(numbers);
  return [Math.hypot(...all), all.reduce((sum, x, i) => sum + x * Math.cos(i), 0)];
}

/** B A, [out, in]. */
function updateOf({ a, b, rank, inFeatures, outFeatures }: LoraWeights): Float64Array {
  return Float64Array.from({ length: outFeatures * inFeatures }, (_, i) => {
    const [row, column] = [Math.floor(i / inFeatures), i % inFeatures];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += b[row * rank + r]! * a[r * inFeatures + column]!;
    return sum;
  });
}

for (const { adapters, weights, wanted, ...options } of cases) {
  const { method, majority = "", rank = "" } = options;
  Deno.test(`${method} ${majority}${rank} of ${adapters} is PEFT's`, () => {
    const { sums }: CombineMethod = COMBINE_METHODS[method];
    const { adapter } = combine(given(adapters, weights), { ...options, density, seed });
    assert.equal(adapter.rank, wanted.rank);
    assert.deepEqual([...adapter.targetModules].sort(), wanted.targets);
    assert.deepEqual(
      adapter.modules.map(({ module }) => module).sort(),
      Object.keys(wanted.modules).sort(),
    );
    for (const module of adapter.modules) {
      assert.equal(module.scale, 1);
      const found = { a: module.a, b: module.b, update: updateOf(module) };
      // Pairs of singular vectors have no sign of their own; the stack of PEFT is padded with zeros.
      const compared = sums === "factors" ? ["a", "b", "update"] as const : ["update"] as const;
      for (const key of compared) {
        const [norm, product] = wanted.modules[module.module]![key];
        const [ownNorm, ownProduct] = summary(found[key]);
        const what = `${module.module} ${key}`;
        report(`${what}: norm`, Math.abs(ownNorm / norm - 1), 2e-6);
        report(`${what}: product`, Math.abs(ownProduct - product) / norm, 2e-6);
      }
      const singular = wanted.modules[module.module]!.b[0];
      report(`${module.module}: |B|`, Math.abs(summary(found.b)[0] / singular - 1), 2e-6);
    }
  });
}

Deno.test("svd says what the rank has no room for, and cat has room for all", () => {
  const both = given([0, 1], [1, 1]);
  const whole = combine(both, { method: "cat" });
  const all = combine(both, { method: "svd", rank: 8 });
  const most = combine(both, { method: "svd", rank: 2 });
  assert.equal(whole.lost, 0);
  assert.ok(all.lost < 1e-7, `${all.lost}`);
  let [square, missing] = [0, 0];
  for (const [i, module] of whole.adapter.modules.entries()) {
    const [exact, kept] = [updateOf(module), updateOf(most.adapter.modules[i]!)];
    exact.forEach((x, j) => (square += x * x, missing += (x - kept[j]!) ** 2));
  }
  assert.ok(Math.abs(most.lost - Math.sqrt(missing / square)) < 1e-6);
});

Deno.test("DARE keeps the share that is asked for, leaves no mean behind, and follows its seed", () => {
  const numbers = new Float32Array(20_000).fill(1);
  const mixed = (seed: number) =>
    mix([{ numbers, weight: 1 }], {
      ...{ prunes: "random", density: 0.3, majority: "total" },
      random: (t, i) => random(seed, t, i),
    });
  const found = mixed(1);
  const kept = found.filter((x) => x !== 0);
  assert.ok(kept.every((x) => Math.abs(x - 1 / 0.3) < 1e-9));
  // Five standard deviations of a binomial share.
  const bound = 5 * Math.sqrt(0.3 * 0.7 / numbers.length);
  assert.ok(Math.abs(kept.length / numbers.length - 0.3) < bound);
  assert.deepEqual(mixed(1), found);
  assert.notDeepEqual(mixed(2), found);
});

Deno.test("of equal sizes pruning by magnitude keeps as many as it is asked for", () => {
  const options = { prunes: "magnitude", majority: "total", random: () => 0 } as const;
  const of = (
    density: number,
  ) => [...mix([{ numbers: [1, -2, 2, -2, 0], weight: 1 }], { ...options, density })];
  assert.deepEqual(of(0.4), [0, -2, 2, 0, 0]);
  assert.deepEqual(of(0.1), [0, 0, 0, 0, 0]);
  assert.deepEqual(of(0.8), [1, -2, 2, -2, 0]);
});

Deno.test("adapters that do not fit together are refused in one sentence", () => {
  const refuses = (
    all: readonly Combined[],
    message: RegExp,
    options: Partial<CombineOptions> = {},
  ) =>
    assert.throws(
      () => combine(all, { method: "svd", ...options }),
      (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
    );
  for (const method of ["linear", "ties", "dare_linear", "dare_ties", "magnitude_prune"] as const) {
    refuses(
      given([0, 2], [1, 1]),
      /^Cannot combine by \w+: model\.embed_tokens has rank 4 in adapter-0 and 3 in adapter-2, wanted/,
      { method, density: 0.5 },
    );
  }
  const [one, other] = given([0, 1], [1, 1]) as [Combined, Combined];
  const changed = (changes: Partial<PeftAdapter>) => [one, {
    ...other,
    adapter: { ...other.adapter, ...changes },
  }];
  refuses(changed({ config: { use_dora: true } }), /adapter-1: its method is dora, wanted lora$/);
  const norm = { name: "model.norm.weight", shape: [32], numbers: new Float32Array(32) };
  refuses(changed({ whole: [norm] }), /adapter-1: it has model\.norm\.weight whole, wanted/);
  const modules = other.adapter.modules.map((module) => ({ ...module, inFeatures: 7 }));
  refuses(
    changed({ modules }),
    /in the first and \[\d+,7\] in the second, wanted adapters of one base/,
  );
});
