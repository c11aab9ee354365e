/** How long the rows of a run are where nobody has said. */
import assert from "node:assert/strict";
import { parseConfig } from "../../../src/config/mod.ts";
import type { SourceLengths } from "../../../src/data/mod.ts";
import { withShape } from "../../../src/train/open.ts";
import { lengthFor, sizeRun } from "../../../src/train/sizes/choice.ts";
import { totalOf } from "../../../src/runs/panel.ts";
import type { MemoryLimit } from "../../../src/train/sizes/memory.ts";
import { engine } from "../../harness.ts";
import { Toy } from "../toy.ts";

const of = (lengths: Iterable<number>, isSample = false): SourceLengths => ({
  tokens: Uint32Array.from(lengths).sort(),
  isSample,
});

/** `count` rows, of which `long` have so many tokens. */
const mixed = (count: number, long: number, tokens: number) =>
  of(Array.from({ length: count }, (_, i) => i < long ? tokens : 40));

interface Asked {
  readonly context?: number;
  readonly answers?: "one" | "two";
  readonly update?: number;
}

async function chosen(
  sources: readonly SourceLengths[] | null,
  { context = 8192, answers = "one", update }: Asked = {},
) {
  const train = { ...(update !== undefined && { tokens_per_batch: update }) };
  return await lengthFor(
    { model: { config: { context } }, methods: { main: { answers } } } as Parameters<
      typeof lengthFor
    >[0],
    train as Parameters<typeof lengthFor>[1],
    () => Promise.resolve(sources),
  );
}

Deno.test("a length holds 99 % of the rows of every source", async () => {
  const cases: [SourceLengths[], number][] = [
    [[of([30, 40, 50])], 512],
    [[mixed(100, 1, 700)], 512],
    [[mixed(100, 2, 700)], 1024],
    [[mixed(100_000, 0, 0), mixed(50, 1, 2049)], 2560],
    [[mixed(100, 50, 5000)], 5120], // an update of one micro-batch
  ];
  for (const [sources, T] of cases) assert.equal((await chosen(sources)).T, T);
});

Deno.test("it goes as far as the model's context, and an update that was set", async () => {
  const long = [mixed(100, 60, 3000)];
  const cases: [Asked, number, RegExp][] = [
    [{}, 3072, /^99 % of the rows have at most 3000, the longest 3000$/],
    [{ context: 2048 }, 2048, /^that is the model's context; 99 % of the rows/],
    [{ context: 1000 }, 1024, /^that is the model's context/],
    [{ context: 2048, answers: "two" }, 3072, /^99 %/],
    [{ update: 2048 }, 2048, /^that is train\.tokens_per_batch; 99 %/],
    [{ update: 1536 }, 1536, /tokens_per_batch/],
    [{ update: 3072 }, 3072, /^99 %/],
    [{ update: 24 }, 24, /tokens_per_batch/],
  ];
  for (const [asked, T, why] of cases) {
    const found = await chosen(long, asked);
    assert.equal(found.T, T, JSON.stringify(asked));
    assert.match(found.why, why);
  }
  assert.match((await chosen([of([600, 700], true)])).why, /^99 % of 2 rows drawn from the data/);
});

Deno.test("rows that are split, or that cannot be read, ask for no length", async () => {
  assert.deepEqual(await chosen([of([])]), { T: 512, why: "of rows that are split where longer" });
  assert.deepEqual(await chosen(null), { T: 512, why: "rows were not read" });
});

Deno.test("memory that is short makes activations come again, and then rows shorter", async () => {
  using toy = new Toy({
    layers: 4,
    heads: 1,
    groups: 1,
    inner: 1024,
    config: { max_position_embeddings: 16384 },
  });
  const { device } = await engine();
  const open = { micro_batch_tokens: undefined, tokens_per_batch: undefined };
  const { config } = parseConfig({ values: toy.values("run", { train: open }) });
  await withShape(config, { device }, async (shape) => {
    const size = async (limit: MemoryLimit | null, given = config, rows = mixed(10, 2, 1500)) =>
      await sizeRun(shape, given, limit, () => Promise.resolve([rows]));
    const free = (bytes: number): MemoryLimit => ({ bytes, by: "train.memory_gib" });
    const whole = await size(null);
    const sizes = ({ plan: { config: { train } } }: typeof whole) => [
      train.micro_batch_tokens,
      train.recompute,
      train.tokens_per_batch,
    ];
    assert.deepEqual(sizes(whole), [1536, false, 4608]);
    const bytes = totalOf(whole.plan.memory);
    assert.deepEqual(sizes(await size(free(bytes))), [1536, false, 4608]);
    const again = await size(free(bytes - 1));
    assert.deepEqual(sizes(again), [1536, true, 4608]);
    assert.match(
      again.why,
      /; activations are computed again, for [\d.]+ MiB do not fit into train/,
    );
    const less = await size(free(totalOf(again.plan.memory) - 1));
    assert.deepEqual(sizes(less), [1024, false, 4096]);
    assert.match(less.why, /; fewer than the 1536 wanted, for [\d.]+ MiB do not fit into train/);
    const none = await size(free(1));
    assert.deepEqual(sizes(none), [512, true, 4096]);
    // Stored scores [1, T, T] are bound as a whole; kernels for GPUs store none.
    const most = Math.floor(Math.sqrt(device.limits.maxStorageBufferBindingSize / 4) / 512) * 512;
    const bound = await size(null, config, mixed(10, 2, most + 1));
    const isStored = device.kernelSet === "register";
    assert.equal(bound.plan.config.train.micro_batch_tokens, isStored ? most : most + 512);
    if (isStored) assert.match(bound.why, /fewer than the \d+ wanted, for .* binds at most \d+$/);
    // What was set stays.
    const set = {
      ...config,
      train: { ...config.train, recompute: false, micro_batch_tokens: 768 },
    };
    assert.deepEqual(sizes(await size(free(1), set)), [768, false, 3840]);
  });
});
