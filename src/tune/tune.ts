/**
 * The tuner: times the tiles of products on this adapter and says which is the fastest of each.
 *
 * @module
 */
import type { Device, Product } from "../gpu/device.ts";
import { tilesFor } from "../ops/tile.ts";
import { type Counted, flopsOf } from "./products.ts";
import { type Opened, Sample, sampleOf } from "./sample.ts";
import { timeInTurns, type Timer, timerOf } from "./time.ts";

/** What a tile came to. */
export interface TileResult {
  readonly tile: string;
  /** Milliseconds of the whole product, by those of its sample; null where it cannot be taken. */
  readonly ms: number | null;
  /** Why it cannot be taken. */
  readonly fault: string | null;
}

/** A product with its tiles, the default first. */
export interface Tuning extends Counted {
  readonly results: readonly TileResult[];
  /** The fastest of the tiles that can be taken. */
  readonly chosen: string;
}

/** How to tune. */
export interface TuneOptions {
  /** Seconds after which no further product is begun; 10 by default. */
  readonly seconds?: number;
  /** Called before each product. */
  readonly onProduct?: (product: Product) => void;
  /** Measures replays; by default CPU time of software Vulkan, and else wall time. */
  readonly timer?: Timer;
}

/** The error of a result, relative to the largest of them, above which a tile is wrong. */
const TOLERANCE = 1e-5;
/** The default stays unless another takes less than this part of its time. */
const WORTH = 0.97;

/**
 * Times the tiles of products in the order given, until the time is up. A tile whose numbers are
 * wrong by f64 or have other bits than the default's is never chosen: tuning changes how long a run
 * takes and none of its results.
 *
 * @throws {GpuError} where a kernel does not compile.
 */
export async function tune(
  device: Device,
  products: readonly Counted[],
  { seconds = 10, onProduct, timer = timerOf(device) }: TuneOptions = {},
): Promise<Tuning[]> {
  const end = performance.now() + 1000 * seconds;
  const tuned: Tuning[] = [];
  for (const counted of products) {
    if (performance.now() >= end) break;
    onProduct?.(counted.product);
    tuned.push(await tuneOne(device, counted, timer));
  }
  return tuned;
}

async function tuneOne(device: Device, counted: Counted, timer: Timer): Promise<Tuning> {
  const { product } = counted;
  const sample = new Sample(sampleOf(product, device.software));
  using candidates = new Candidates();
  for (const { name } of tilesFor(device, product)) await candidates.add(device, sample, name);
  const times = await timeInTurns(device, candidates.right, timer);
  const scale = flopsOf(product) / flopsOf(sample.product);
  const results = candidates.all.map(({ tile, fault }) => {
    const ms = times.get(tile);
    return { tile, fault, ms: ms === undefined ? null : scale * ms };
  });
  return { ...counted, results, chosen: fastest(results) };
}

interface Candidate extends Opened {
  readonly tile: string;
  readonly fault: string | null;
}

/** The tiles of a product, checked one after another. */
class Candidates implements Disposable {
  readonly all: Candidate[] = [];
  /** What the first right one gave. */
  #expected: Float32Array | null = null;

  get right(): Candidate[] {
    return this.all.filter(({ fault }) => fault === null);
  }

  async add(device: Device, sample: Sample, tile: string): Promise<void> {
    const opened = await sample.open(device, tile);
    opened.replay();
    const found = await opened.result();
    const fault = this.#faultOf(sample, found);
    if (fault === null) this.#expected ??= found;
    this.all.push({ ...opened, tile, fault });
  }

  #faultOf(sample: Sample, found: Float32Array): string | null {
    if (!(sample.error(found) <= TOLERANCE)) return "wrong";
    const isEqual = this.#expected?.every((x, i) => Object.is(x, found[i])) ?? true;
    return isEqual ? null : "other bits";
  }

  [Symbol.dispose](): void {
    for (const candidate of this.all) candidate[Symbol.dispose]();
  }
}

/** The first tile, unless another is worth it. */
function fastest(results: readonly TileResult[]): string {
  const first = results[0]!;
  const limit = first.ms === null ? Infinity : WORTH * first.ms;
  return results.reduce(
    (best, { tile, ms }) => ms !== null && ms < best.ms ? { tile, ms } : best,
    { tile: first.tile, ms: limit },
  ).tile;
}
