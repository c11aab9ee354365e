/** The losses of preferences: worked values, derivatives by central differences, and TRL's numbers. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { lossOf } from "../../../src/objectives/preference/losses.ts";
import {
  REFERENCE_LOSSES,
  referenceLosses,
  type ReferenceLossName,
} from "../../../src/objectives/preference/losses/mod.ts";
import type { Preference } from "../../../src/objectives/preference/preference.ts";
import { statisticsOf } from "../../../src/objectives/preference/statistics.ts";
import type { PreferenceConfig } from "../../../src/objectives/settings.ts";
import { readDpoGolden } from "../../golden/dpo.ts";

const preferenceOf = (
  [chosen, rejected]: readonly [number, number],
  tokens: readonly [number, number] = [5, 3],
): Preference => ({
  chosen: { tuned: chosen - 20, reference: -20, tokens: tokens[0] },
  rejected: { tuned: rejected - 30, reference: -30, tokens: tokens[1] },
});

Deno.test("preference losses: worked by hand", () => {
  const of = (
    name: ReferenceLossName,
    ratios: readonly [number, number],
    label_smoothing = 0,
  ) => referenceLosses[name].gradient(preferenceOf(ratios), { beta: 0.1, label_smoothing }).loss;
  const close = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-12);
  close(of("sigmoid", [1, 0]), 0.6443966600735709);
  close(of("sigmoid", [0, 0]), Math.log(2));
  close(of("sigmoid", [1, 0], 0.25), 0.6443966600735709 + 0.25 * 0.1);
  close(of("sigmoid", [-1e5, 0]), 1e4);
  close(of("sigmoid", [1e5, 0]), 0);
  close(of("hinge", [4, -1]), 0.5);
  close(of("hinge", [40, -1]), 0);
  close(of("ipo", [0, 0]), 25);
  close(of("ipo", [10, -9]), 0);
});

/** Every loss, set. */
const LOSSES: readonly ((settings: Settings) => PreferenceConfig)[] = [
  ...REFERENCE_LOSSES.map((loss) => ({ beta, share }: Settings): PreferenceConfig => {
    const label_smoothing = referenceLosses[loss].smoothing === "none" ? 0 : share;
    return { kind: "dpo", loss, beta, label_smoothing, sft_weight: 0 };
  }),
  ({ beta, share }) => ({ kind: "cpo", beta, label_smoothing: share, sft_weight: 0 }),
  ({ beta, share }) => ({
    ...{ kind: "simpo", beta, gamma: 0.3, label_smoothing: share, sft_weight: 0 } as const,
  }),
  ({ beta }) => ({ kind: "orpo", beta }),
];

interface Settings {
  readonly beta: number;
  readonly share: number;
}

Deno.test("preference losses: derivatives are those of central differences (property)", () => {
  const ratio = fc.double({ min: -8, max: 8, noNaN: true });
  const tokens = fc.integer({ min: 1, max: 12 });
  const settings = fc.record({
    beta: fc.double({ min: 0.05, max: 2, noNaN: true }),
    share: fc.double({ min: 0.01, max: 0.45, noNaN: true }),
  });
  const pairs = fc.tuple(fc.tuple(ratio, ratio), fc.tuple(tokens, tokens), settings);
  for (const configOf of LOSSES) {
    fc.assert(fc.property(pairs, ([[chosen, rejected], counts, settings]) => {
      const config = configOf(settings);
      const isHinge = config.kind === "dpo" && config.loss === "hinge";
      const { gradient } = lossOf(config);
      const h = 1e-5;
      const at = (dc: number, dr: number) =>
        gradient(preferenceOf([chosen + dc, rejected + dr], counts));
      const { loss, dchosen, drejected } = at(0, 0);
      const isKink = isHinge && loss > 0 !== at(h, -h).loss > 0;
      fc.pre(!isKink && !(isHinge && loss > 0 !== at(-h, h).loss > 0));
      const slope = (a: number, b: number) => (at(a, b).loss - at(-a, -b).loss) / (2 * h);
      const bound = 1e-6 * (1 + Math.abs(dchosen) + Math.abs(drejected));
      const name = JSON.stringify(config);
      assert.ok(Math.abs(slope(h, 0) - dchosen) < bound, `${name} chosen`);
      assert.ok(Math.abs(slope(0, h) - drejected) < bound, `${name} rejected`);
    }));
  }
});

Deno.test("preference losses: only those that say so heed label smoothing", () => {
  for (const name of REFERENCE_LOSSES) {
    const { gradient, smoothing } = referenceLosses[name];
    const at = (label_smoothing: number) =>
      gradient(preferenceOf([2, -1]), { beta: 0.3, label_smoothing });
    const heeds = JSON.stringify(at(0.1)) !== JSON.stringify(at(0.2));
    assert.equal(heeds, smoothing !== "none", name);
  }
});

Deno.test("preference losses: extremes stay finite", () => {
  for (const configOf of LOSSES) {
    const { gradient } = lossOf(configOf({ beta: 0.5, share: 0.1 }));
    for (const [chosen, rejected] of [[20, 30], [0, 0], [-1e4, 30], [20, -1e4]] as const) {
      const { loss, dchosen, drejected } = gradient(preferenceOf([chosen, rejected]));
      assert.ok([loss, dchosen, drejected].every(Number.isFinite), String([chosen, rejected]));
    }
  }
});

Deno.test("statisticsOf() has the losses and rewards of TRL's likelihoods", () => {
  const { cases, preferences } = readDpoGolden();
  for (const { name, settings, wanted } of cases) {
    const found = statisticsOf(preferences, lossOf(settings));
    for (const [field, value] of Object.entries(wanted)) {
      const off = Math.abs(found[field as keyof typeof found]! - value);
      assert.ok(off < 1e-5 * Math.max(1, Math.abs(value)), `${name} ${field}: off by ${off}`);
    }
  }
});
