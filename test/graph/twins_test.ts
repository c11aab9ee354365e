/** Twins: whatever is written when, and whichever gates are open, every reader sees its buffer. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Launch, Target, Value } from "../../src/graph/graph.ts";
import { Graph } from "../../src/graph/graph.ts";
import { planTwins, type Range, type Twins } from "../../src/graph/twins.ts";

const TARGET: Target = {
  kernelSet: "register",
  matrixReads: "texture",
  sharesLoads: false,
  tuned: () => undefined,
  maxBinding: 1 << 20,
  maxWords: 1 << 20,
};

/** Three slots that values share, as a plan would have it. */
const SLOTS = 3;

interface Step {
  /** The slot that is written, and whether only its second half. */
  writes: number;
  half: boolean;
  /** Slots that are read as matrices. */
  reads: [number, number];
  gate: number;
  /** Launches that read nothing, which stand before it. */
  pause: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    writes: fc.nat({ max: SLOTS - 1 }),
    half: fc.boolean(),
    reads: fc.tuple(fc.nat({ max: SLOTS - 1 }), fc.nat({ max: SLOTS - 1 })),
    gate: fc.constantFrom(-1, -1, 0, 1, 2),
    pause: fc.constantFrom(0, 0, 1, 40),
  }),
  { minLength: 1, maxLength: 30 },
);

const KERNEL = {
  name: "any",
  text: "@group(0) @binding(0) var<storage, read_write> y: array<f32>;",
};

function build(steps: readonly Step[]) {
  const graph = new Graph();
  const values = Array.from({ length: SLOTS }, (_, i) => graph.input(`${i}`, [16, 64], "f32"));
  const slotOf = new Map<Value, number>(values.map((value, i) => [value, i]));
  const launches: Launch[] = [];
  const add = (bind: Launch["bind"], matrices: number, gate: number) => {
    launches.push({
      kernel: KERNEL,
      constants: {},
      bind,
      matrices,
      groups: [1],
      ...(gate < 0 ? {} : { gate }),
    });
  };
  const idle = graph.input("idle", [4], "f32");
  for (const { writes, half, reads, gate, pause } of steps) {
    for (let i = 0; i < pause; i++) add([idle], 0, -1);
    const value = values[writes]!;
    const written = half ? { value, offset: 2048, size: 2048 } : value;
    add([written, ...reads.map((read) => values[read]!)], 2, gate);
  }
  return { launches, plan: { slotOf, homeOf: new Map<Value, Value>() } };
}

/** Runs the launches; what a texture holds is the versions of its buffer's halves when copied. */
function check(launches: readonly Launch[], twins: Twins, gates: number): number {
  const isOpen = (gate = -1) => gate < gates;
  const memory = new Map<Range["home"], [number, number]>();
  const textures = new Map<number, { home: Range["home"]; versions: [number, number] }>();
  const now = (home: Range["home"]) => memory.get(home) ?? [0, 0];
  let read = 0;
  for (const [index, launch] of launches.entries()) {
    for (const twin of twins.twins) {
      if (twin.first !== index || !isOpen(twin.gate)) continue;
      const { home } = twin.range;
      textures.set(twins.slotOf.get(twin)!, { home, versions: [...now(home)] });
    }
    if (!isOpen(launch.gate)) continue;
    for (const bound of launch.bind.slice(1, 1 + (launch.matrices ?? 0))) {
      const twin = twins.find(launch, bound, "rgba32float")!;
      const texture = textures.get(twins.slotOf.get(twin)!)!;
      assert.equal(texture.home, twin.range.home, `launch ${index} reads another's texture`);
      assert.deepEqual(texture.versions, now(texture.home), `launch ${index} reads an old copy`);
      read++;
    }
    const bound = launch.bind[0]!;
    const value = "value" in bound ? bound.value : bound;
    if (value.name === "idle") continue;
    const home = Number(value.name);
    const [first] = now(home);
    memory.set(home, ["value" in bound ? first : index + 1, index + 1]);
  }
  return read;
}

Deno.test("every reader of a twin sees what its buffer holds, whichever gates are open", () => {
  let read = 0;
  let copies = 0;
  fc.assert(
    fc.property(steps, (steps) => {
      const { launches, plan } = build(steps);
      const twins = planTwins(launches, plan, TARGET);
      copies += twins.twins.length;
      for (const gates of [0, 1, 2, 3]) read += check(launches, twins, gates);
    }),
    { numRuns: 500, seed: 1 },
  );
  assert.ok(read > 4 * copies, `${copies} copies for ${read} reads`);
});

Deno.test("copies of neighbours share a break; a twin that waits long is copied again", () => {
  const { launches, plan } = build([
    { writes: 0, half: false, reads: [1, 1], gate: -1, pause: 0 },
    { writes: 0, half: false, reads: [1, 2], gate: -1, pause: 0 },
    { writes: 2, half: false, reads: [0, 1], gate: -1, pause: 0 },
    { writes: 2, half: false, reads: [1, 1], gate: -1, pause: 40 },
  ]);
  const { twins, slots } = planTwins(launches, plan, TARGET);
  assert.deepEqual(
    twins.map(({ range, first, last }) => [range.home, first, last]),
    [[1, 0, 2], [2, 0, 1], [0, 2, 2], [1, 43, 43]],
  );
  assert.equal(slots.length, 2); // the third takes the second's, the last any
  assert.ok(slots.every(({ bytes, format }) => bytes === 16_384 && format === "rgba32float"));
});

Deno.test("a device that reads buffers has no twins", () => {
  const { launches, plan } = build([
    { writes: 0, half: false, reads: [1, 2], gate: -1, pause: 0 },
  ]);
  const { twins, find } = planTwins(launches, plan, { ...TARGET, matrixReads: "buffer" });
  assert.equal(twins.length, 0);
  assert.equal(find(launches[0]!, launches[0]!.bind[1]!, "rgba32float"), undefined);
});

Deno.test("a frozen tensor is copied once, to a texture of its own", () => {
  const graph = new Graph();
  const weight = graph.weight("w", [64], "f32", "rows");
  const x = graph.input("x", [64], "f32");
  const launches = Array.from({ length: 100 }, (): Launch => {
    return { kernel: KERNEL, constants: {}, bind: [x, weight], matrices: 1, groups: [1] };
  });
  const { twins, slots } = planTwins(launches, { slotOf: new Map(), homeOf: new Map() }, TARGET);
  assert.deepEqual(twins.map(({ frozen, range }) => [frozen, range.home]), [[true, weight]]);
  assert.equal(slots.length, 1);
});
