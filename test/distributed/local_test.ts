/** Updates that ranks make by themselves, with an average now and then. */
import assert from "node:assert/strict";
import { Communicator } from "../../src/distributed/communicator.ts";
import { inProcess } from "../../src/distributed/transport.ts";
import { ConfigError } from "../../src/errors.ts";
import { outerUpdate } from "../../src/train/updates/local.ts";
import { numbersIn, Toy, type ToyOptions, type ToySettings } from "../train/toy.ts";
import { GUARD, SHARED, together, untimed } from "./together.ts";

/** The outer update of DiLoCo. */
const DILOCO = { outer_lr: 0.7, outer_momentum: 0.9 };

/** Eight updates of four micro-batches in rounds of three: the last is cut short. */
const LOCAL = { ...SHARED, partial_sums: undefined, steps: 8, local_updates: 3 };

async function inRanks(toy: Toy, size: number, out: string, settings: ToySettings) {
  const results = await together(toy, size, () => settings, { out });
  for (const result of results) assert.ok(!(result instanceof Error), String(result));
}

Deno.test("the outer update is torch.optim.SGD's with Nesterov's momentum", () => {
  const [params, velocity] = [Float32Array.of(1, -2, 0.5), new Float32Array(3)];
  const means = [[0.9, -2.2, 0.5], [0.5, -2, 0.75], [0.25, -1.5, 1]];
  // torch 2: lr 0.7, momentum 0.9, nesterov, the gradient being params - mean.
  const wanted = [
    [0.867, -2.266, 0.5],
    [0.32219, -2.02562, 0.8325],
    [-0.0329417, -1.2777834, 1.197025],
  ];
  for (const [i, mean] of means.entries()) {
    outerUpdate(params, Float32Array.from(mean), velocity, DILOCO);
    for (const [k, x] of params.entries()) assert.ok(Math.abs(x - wanted[i]![k]!) < 1e-6);
  }
});

Deno.test("one update apart is one together, 1.33 times as far", async () => {
  using toy = new Toy();
  const plain = { optimizer: "sgd", clip: 0, schedule: "constant" };
  const train = { ...SHARED, ...plain, partial_sums: undefined, steps: 1, warmup: 0 };
  // mean = x - lr G, and so x - 0.7 (1 + 0.9) lr G.
  await inRanks(toy, 2, "apart", { train: { ...train, lr: 0.1, local_updates: 1, ...DILOCO } });
  await inRanks(toy, 2, "together", { train: { ...train, lr: 0.1 * 0.7 * 1.9 } });
  const name = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight";
  const [apart, both] = ["apart", "together"].map((out) =>
    numbersIn(toy.path(out, "adapter", "adapter_model.safetensors"), name)
  );
  const most = Math.max(...both!.map(Math.abs));
  assert.ok(most > 0);
  for (const [i, x] of apart!.entries()) assert.ok(Math.abs(x - both![i]!) < 1e-5 * most);
});

Deno.test("rounds repeat, stop where one ends and go on to the same bits, guarded or not", async () => {
  using toy = new Toy();
  for (const guard of [false, { ...GUARD, every: 4, text: [toy.text] }] as const) {
    const settings = { train: { ...LOCAL, ...(guard && DILOCO) }, guard };
    const name = (of: string) => `${of} ${guard ? "guarded" : "plain"}`;
    await inRanks(toy, 2, name("once"), settings);
    await inRanks(toy, 2, name("again"), settings);
    assert.deepEqual(toy.adapter(name("again")), toy.adapter(name("once")));
    assert.deepEqual(untimed(toy.metrics(name("again"))), untimed(toy.metrics(name("once"))));
    // Asked after the first update; the round ends after the third.
    const stopped = await Promise.all(
      inProcess(2).map((transport) => {
        const ranks = new Communicator(transport, 60);
        return toy.train(name("stopped"), settings, { ranks, stopWanted: () => ranks.rank === 1 });
      }),
    );
    assert.deepEqual(stopped.map(({ step, stopped }) => [step, stopped]), Array(2).fill([3, true]));
    const options: ToyOptions & { out: string } = { out: name("stopped"), resume: true };
    for (const result of await together(toy, 2, () => settings, options)) {
      assert.ok(!(result instanceof Error), String(result));
    }
    assert.deepEqual(toy.adapter(name("stopped")), toy.adapter(name("once")));
    assert.deepEqual(untimed(toy.metrics(name("stopped"))), untimed(toy.metrics(name("once"))));
  }
  await inRanks(toy, 2, "summed", { train: { ...LOCAL, local_updates: undefined } });
  assert.notDeepEqual(toy.adapter("summed"), toy.adapter("once plain"));
});

Deno.test("rounds of four ranks learn, and send a part of what sums in every update do", async () => {
  using toy = new Toy();
  const sent = async (out: string, train: ToySettings["train"]) => {
    let bytes = 0;
    const all = inProcess(4).map((transport) => ({
      ...transport,
      send: (...message: Parameters<typeof transport.send>) => {
        bytes += message[2].length;
        return transport.send(...message);
      },
    }));
    await Promise.all(
      all.map((transport) =>
        toy.train(out, { train: train! }, { ranks: new Communicator(transport, 60) })
      ),
    );
    return bytes;
  };
  const train = { ...LOCAL, steps: 12, local_updates: 6 };
  const apart = await sent("apart", train);
  const summed = await sent("summed", { ...train, local_updates: undefined });
  // Two averages of params and two moments against twelve gradients, and losses in both.
  assert.ok(apart < 0.75 * summed, `${apart} bytes of ${summed}`);
  const losses = toy.metrics("apart").map(({ loss }) => loss);
  assert.ok(losses.at(-1)! < losses[0]!, String(losses));
});

Deno.test("what cannot be averaged is refused", async () => {
  using toy = new Toy();
  await assert.rejects(toy.train("alone", { train: LOCAL }), (fault: Error) => {
    assert.ok(fault instanceof ConfigError);
    assert.match(fault.message, /^train\.local_updates: found 3 in one process, wanted ranks/);
    return true;
  });
  const train = { ...LOCAL, partial_sums: 4 };
  for (const fault of await together(toy, 2, () => ({ train }), { out: "run" })) {
    assert.match(String(fault), /found 3 beside train\.partial_sums 4, wanted none/);
  }
  const bits = { ...LOCAL, optimizer: "adamw_8bit" };
  for (const fault of await together(toy, 2, () => ({ train: bits }), { out: "run" })) {
    assert.match(String(fault), /train\.local_updates: found 3 beside moments in 8 bits/);
  }
});
