/** Ranks of one process: what they sum, gather and send out, and how they end. */
import assert from "node:assert/strict";
import { requireAgreement } from "../../src/distributed/agreement.ts";
import { Communicator, RankFault } from "../../src/distributed/communicator.ts";
import { sumPairwise } from "../../src/distributed/pairwise.ts";
import { inProcess } from "../../src/distributed/transport.ts";
import { ConfigError } from "../../src/errors.ts";
import { noise } from "../harness.ts";

/** Runs `work` as each of so many ranks. */
function inRanks<T>(size: number, work: (ranks: Communicator) => Promise<T>, patience = 60) {
  return Promise.all(
    inProcess(size).map((transport) => work(new Communicator(transport, patience))),
  );
}

const part = (length: number, rank: number) => Float32Array.from(noise(length, rank + 1));

Deno.test("the sum of any number of ranks is that of the tree, and the same in all", async () => {
  const cases = [[1, 5], [2, 7], [3, 1], [4, 64], [5, 13], [7, 100]];
  // More than a piece each, the last rank's part shorter by some.
  cases.push([2, 300_001], [3, 400_000]);
  for (const [size, length] of cases as [number, number][]) {
    const wanted = sumPairwise(Array.from({ length: size }, (_, rank) => part(length, rank)));
    const found = await inRanks(size, async (ranks) => {
      const numbers = part(length, ranks.rank);
      await ranks.sum(numbers);
      return numbers;
    });
    for (const numbers of found) assert.deepEqual(numbers, wanted);
  }
});

Deno.test("a sum lies where it is wanted, with the same bits", () => {
  for (const count of [1, 2, 3, 5, 8]) {
    const all = () => Array.from({ length: count }, (_, i) => part(9, i));
    const wanted = sumPairwise(all());
    for (let into = 0; into < count; into++) {
      const parts = all();
      assert.equal(sumPairwise(parts, into), parts[into]);
      assert.deepEqual(parts[into], wanted, `${into} of ${count}`);
    }
  }
});

Deno.test("a tree over blocks of 2^k neighbours is the tree over all", () => {
  const all = () => Array.from({ length: 12 }, (_, i) => part(50, i));
  const whole = sumPairwise(all());
  for (const block of [1, 2, 4]) {
    const blocks = Array.from(
      { length: 12 / block },
      (_, i) => sumPairwise(all().slice(i * block, (i + 1) * block)),
    );
    assert.deepEqual(sumPairwise(blocks), whole);
  }
  const inOrder = all().reduce((sum, x) => sum.map((value, i) => value + x[i]!));
  assert.notDeepEqual(inOrder, whole);
});

Deno.test("every rank hears what all have said, and has what rank 0 sends out", async () => {
  for (const size of [1, 2, 3, 6, 8]) {
    const bytes = crypto.getRandomValues(new Uint8Array(size * 11));
    const words = Array.from({ length: size }, (_, rank) => "é".repeat(rank));
    const found = await inRanks(size, async (ranks) => {
      await ranks.barrier();
      const said = await ranks.gather(words[ranks.rank]!);
      const none = await ranks.fromFirst(ranks.rank === 0 ? new Uint8Array() : null);
      return { said, none, sent: await ranks.fromFirst(ranks.rank === 0 ? bytes : null) };
    });
    for (const { said, none, sent } of found) {
      assert.deepEqual(said, words);
      assert.deepEqual([...none], []);
      assert.deepEqual(sent, bytes);
    }
  }
});

Deno.test("ranks that disagree all say the same", async () => {
  const work = (ranks: Communicator) =>
    requireAgreement(ranks, { steps: 3, "train.lr": ranks.rank === 2 ? 0.1 : undefined });
  const found = await inRanks(4, (ranks) => work(ranks).catch((fault) => fault));
  for (const fault of found) {
    assert.ok(fault instanceof ConfigError);
    assert.equal(
      fault.message,
      "Ranks disagree: train.lr is unset in rank 0 and 0.1 in rank 2, wanted the same in all",
    );
  }
  await inRanks(4, (ranks) => requireAgreement(ranks, { steps: 3, list: [1, "a"] }));
});

Deno.test("a rank that ends by a fault ends all, wherever they wait", async () => {
  const start = performance.now();
  const found = await inRanks(4, async (ranks) => {
    try {
      if (ranks.rank === 2) throw new TypeError("Found a hole");
      if (ranks.rank === 3) await ranks.barrier();
      else await ranks.sum(new Float32Array(10));
      return null;
    } catch (fault) {
      await ranks.fail((fault as Error).message);
      return fault as Error;
    }
  });
  const words = found.map((fault) => fault?.message);
  assert.deepEqual(words[2], "Found a hole");
  // Rank 0 and 1 hear of it from rank 2, or from another that has.
  for (const rank of [0, 1, 3]) {
    assert.ok(found[rank] instanceof RankFault);
    assert.match(words[rank]!, /Rank 2 has ended: Found a hole/);
  }
  assert.ok(performance.now() - start < 5000, "nobody waits for one that has told");
});

Deno.test("a rank that says nothing is named", async () => {
  const [first, last] = await inRanks(3, async (ranks) => {
    if (ranks.rank === 1) return null;
    return await ranks.sum(new Float32Array(6)).catch((fault) => fault);
  }, 0.1).then(([first, , last]) => [first, last]);
  for (const fault of [first, last]) {
    assert.ok(fault instanceof RankFault);
    assert.equal(fault.message, "Rank 1 does not answer for 0.1 s (rank_timeout)");
  }
});
