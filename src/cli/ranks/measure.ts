/**
 * Times the sum over ranks where it is started: `mpirun -n RANKS deno run --no-prompt -RE --allow-ffi
 * src/cli/ranks/measure.ts`. Rank 0 prints a line for each size: bytes, seconds of the
 * fastest of many sums, and what the constants of the simulation come to.
 *
 * @module
 */
import { joinMpi } from "../../distributed/mpi/mod.ts";
import type { Communicator } from "../../distributed/communicator.ts";
import { sumPairwise } from "../../distributed/pairwise.ts";
import { fitted, sumSeconds } from "../../distributed/simulation.ts";
import { answer } from "../lib/term.ts";

/** Bytes of what is summed. */
const SIZES = [1 << 10, 1 << 16, 1 << 20, 4 << 20, 16 << 20, 64 << 20];

/** Sums of each size, and the seconds after which no more are made. */
const TIMES = 100;
const SECONDS = 5;

async function secondsOf(ranks: Communicator, bytes: number): Promise<number> {
  const numbers = new Float32Array(bytes / 4);
  let fastest = Infinity;
  const begin = performance.now();
  for (let i = 0; i < TIMES; i++) {
    await ranks.barrier();
    const start = performance.now();
    await ranks.sum(numbers);
    fastest = Math.min(fastest, (performance.now() - start) / 1000);
    // All end together: rank 0 says when.
    const isOver = performance.now() - begin > 1000 * SECONDS;
    const [said] = await ranks.fromFirst(ranks.rank === 0 ? Uint8Array.of(Number(isOver)) : null);
    if (said) break;
  }
  return fastest;
}

/** Bytes that one rank adds in a second. */
function adding(): number {
  const parts = [new Float32Array(1 << 20), new Float32Array(1 << 20)];
  let fastest = Infinity;
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    sumPairwise(parts);
    fastest = Math.min(fastest, (performance.now() - start) / 1000);
  }
  return parts[0]!.byteLength / fastest;
}

if (import.meta.main) {
  const ranks = joinMpi(60);
  const points = [];
  for (const bytes of SIZES) points.push({ bytes, seconds: await secondsOf(ranks, bytes) });
  const gamma = adding();
  await ranks.close();
  if (ranks.rank === 0) {
    const constants = fitted(points, ranks.size, gamma);
    for (const { bytes, seconds } of points) {
      const told = sumSeconds(ranks.size, bytes, constants);
      answer(
        `${bytes} bytes: ${(1e3 * seconds).toFixed(3)} ms, by the formula ${
          (1e3 * told).toFixed(3)
        } ` +
          `(${(100 * (told / seconds - 1)).toFixed(0)} %)`,
      );
    }
    const { alpha, beta } = constants;
    answer(
      `--alpha ${alpha.toPrecision(3)} --gbit ${(8 * beta / 1e9).toPrecision(3)} --gamma ${
        gamma.toPrecision(3)
      }`,
    );
  }
}
