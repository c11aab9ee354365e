/**
 * Sentinels: which dispatch of a program is the first to leave a number that is NaN or infinite.
 *
 * @module
 */
import sentinelText from "../../kernels/sentinel.wgsl" with { type: "text" };
import {
  clear,
  createBuffer,
  destroyBuffer,
  read,
  type Slice,
  SLICE_ALIGNMENT,
  whole,
} from "./buffer.ts";
import type { Device } from "./device.ts";
import { type Pipelines, writtenFloats } from "./kernel.ts";
import type { Dispatch } from "./program.ts";

const SENTINEL = { name: "sentinel", text: sentinelText };

/** Numbers that an invocation looks at, until there are {@link MOST_GROUPS} workgroups. */
const EACH = 16;
const MOST_GROUPS = 4096;

/** A look at what each of some dispatches has written. */
export class Sentinels {
  readonly #found: GPUBuffer;

  private constructor(
    private readonly device: Device,
    private readonly pipeline: GPUComputePipeline,
    private readonly dispatches: readonly Dispatch[],
  ) {
    this.#found = createBuffer(device, dispatches.length * SLICE_ALIGNMENT, "sentinels");
  }

  /** Sentinels behind dispatches, whose results are cleared: what is found is of this replay. */
  static async of(
    device: Device,
    pipelines: Pipelines,
    dispatches: readonly Dispatch[],
  ): Promise<Sentinels> {
    const pipeline = await pipelines.get(SENTINEL, {});
    for (const slice of dispatches.flatMap(written)) clear(device, slice);
    return new Sentinels(device, pipeline, dispatches);
  }

  /** Looks at what a dispatch wrote, in the pass that it ran in. */
  look(pass: GPUComputePassEncoder, number: number): void {
    pass.setPipeline(this.pipeline);
    for (const { buffer, offset, size } of written(this.dispatches[number]!)) {
      const found = { buffer: this.#found, offset: number * SLICE_ALIGNMENT, size: 16 };
      pass.setBindGroup(
        0,
        this.device.gpu.createBindGroup({
          layout: this.pipeline.getBindGroupLayout(0),
          entries: [
            { binding: 0, resource: { buffer, offset, size } },
            { binding: 1, resource: found },
          ],
        }),
      );
      pass.dispatchWorkgroups(Math.min(MOST_GROUPS, Math.ceil(size / 4 / 64 / EACH)));
    }
  }

  /** The number of the first dispatch that left what is not finite; -1 where none has. */
  async first(): Promise<number> {
    const found = new Uint32Array((await read(this.device, whole(this.#found))).buffer);
    destroyBuffer(this.device, this.#found);
    return this.dispatches.findIndex((_, number) => found[number * SLICE_ALIGNMENT / 4] !== 0);
  }
}

/** Where a dispatch writes real numbers. */
function written({ kernel, bind }: Dispatch): Slice[] {
  return writtenFloats(kernel).flatMap((binding) => {
    const memory = bind[binding];
    return memory && "buffer" in memory ? [memory] : [];
  });
}
