/**
 * Times the sum over ranks where it is started: `mpirun -n RANKS deno run --no-prompt -RE --allow-ffi
 * src/cli/ranks/measure.ts`. The constants of the formula are timed by themselves, none is fitted to a
 * sum: rank 0 prints a line for each size, with the sum as it was and as the formula has it.
 *
 * @module
 */
import type { Communicator } from "../../distributed/communicator.ts";
import { PIECE } from "../../distributed/communicator.ts";
import { joinMpi } from "../../distributed/mpi/mod.ts";
import { sumPairwise } from "../../distributed/pairwise.ts";
import { type Constants, sumSeconds } from "../../distributed/simulation.ts";
import { answer } from "../lib/term.ts";

/** Bytes of what is summed. */
const SIZES = [1 << 10, 1 << 16, 1 << 18, 1 << 20, 4 << 20, 16 << 20, 64 << 20];

/** Rounds of each size, in which all is timed in turn, and the seconds after which there is no other. */
const ROUNDS = 100;
const SECONDS = 4;

/** What is timed, until the last rank has done it: in seconds, the fastest and the median round. */
interface Timed {
  readonly fastest: number;
  readonly median: number;
}

/** Times works in turn, so that what else the machine does falls on all alike. */
async function timed<Name extends string>(
  ranks: Communicator,
  works: Readonly<Record<Name, () => Promise<void> | void>>,
): Promise<Record<Name, Timed>> {
  const names = Object.keys(works) as Name[];
  const seconds = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  const begin = performance.now();
  for (let round = 0, isOver = false; round < ROUNDS && !isOver; round++) {
    for (const name of names) {
      await ranks.barrier();
      const start = performance.now();
      await works[name]();
      seconds[name].push((performance.now() - start) / 1000);
    }
    // All end together: rank 0 says when.
    const wants = Uint8Array.of(Number(performance.now() - begin > 1000 * SECONDS));
    isOver = (await ranks.fromFirst(ranks.rank === 0 ? wants : null))[0] === 1;
  }
  const said = (await ranks.gather(JSON.stringify(seconds)))
    .map((text): typeof seconds => JSON.parse(text));
  return Object.fromEntries(names.map((name) => {
    const all = seconds[name].map((_, round) => Math.max(...said.map((of) => of[name]![round]!)))
      .sort((a, b) => a - b);
    return [name, { fastest: all[0]!, median: all[all.length >> 1]! }];
  })) as Record<Name, Timed>;
}

/** A sum of so many bytes, and the constants: messages and additions of the pieces that it has. */
async function measure(
  ranks: Communicator,
  bytes: number,
): Promise<{ sum: Timed; constants: Constants }> {
  const { rank, size } = ranks;
  const numbers = new Float32Array(bytes / 4);
  const share = Math.ceil(numbers.length / size);
  const piece = Math.min(PIECE, share);
  const begins = Array.from({ length: Math.ceil(share / piece) }, (_, i) => i * piece);
  const buffers = Array.from({ length: size }, () => new Float32Array(piece));
  const at = (begin: number) =>
    buffers.map((of, i) => i === rank ? numbers.subarray(begin, begin + piece) : of);
  const one = buffers.map(() => new Float32Array(1));
  const numberEach = new Float32Array(size);
  const { least, small, sent, added, sum } = await timed(ranks, {
    least: async () => {
      for (const _ of begins) await ranks.sum(numberEach);
    },
    small: async () => {
      for (const _ of begins) await ranks.collect(one);
    },
    sent: async () => {
      for (const begin of begins) await ranks.collect(at(begin));
    },
    added: () => begins.forEach((begin) => sumPairwise(at(begin), rank)),
    sum: () => ranks.sum(numbers),
  });
  const others = (size - 1) * 4 * piece * begins.length;
  const constants = {
    alpha: small.fastest / begins.length / (size - 1),
    overhead: (least.fastest - 2 * small.fastest) / begins.length,
    beta: others / (sent.fastest - small.fastest),
    gamma: others / added.fastest,
  };
  return { sum, constants };
}

if (import.meta.main) {
  const ranks = joinMpi(60);
  for (const bytes of SIZES) await measure(ranks, bytes); // what is compiled while it runs is by now
  for (const bytes of SIZES) {
    const { sum: { fastest, median }, constants } = await measure(ranks, bytes);
    const told = sumSeconds(ranks.size, bytes, constants);
    const { alpha, overhead, beta, gamma } = constants;
    if (ranks.rank > 0) continue;
    answer(
      `${bytes} bytes: ${ms(fastest)} ms, median ${ms(median)}; by the formula ${ms(told)} ` +
        `(${(100 * (told / fastest - 1)).toFixed(0)} %) of --alpha ${alpha.toPrecision(2)} ` +
        `--overhead ${overhead.toPrecision(2)} --gbit ${(8 * beta / 1e9).toPrecision(3)} --gamma ${
          gamma.toPrecision(2)
        }`,
    );
  }
  await ranks.close();
}

function ms(seconds: number): string {
  return (1e3 * seconds).toPrecision(3);
}
