/** What the host asks of GPUs: an `s` for each submit and an `m` for each mapping, in order. */
export class GpuCalls implements Disposable {
  readonly #submit = GPUQueue.prototype.submit;
  readonly #mapAsync = GPUBuffer.prototype.mapAsync;
  #calls = "";

  constructor() {
    const note = (call: string) => this.#calls += call;
    const [submit, mapAsync] = [this.#submit, this.#mapAsync];
    GPUQueue.prototype.submit = function (...args) {
      note("s");
      return submit.apply(this, args);
    };
    GPUBuffer.prototype.mapAsync = function (...args) {
      note("m");
      return mapAsync.apply(this, args);
    };
  }

  /** The calls since the last time. */
  take(): string {
    const calls = this.#calls;
    this.#calls = "";
    return calls;
  }

  [Symbol.dispose](): void {
    GPUQueue.prototype.submit = this.#submit;
    GPUBuffer.prototype.mapAsync = this.#mapAsync;
  }
}

/** Runs a test while the clock stands still, so that nothing in it depends on how fast it is. */
export async function withClockStopped(test: () => Promise<unknown>): Promise<void> {
  const { now } = performance;
  performance.now = () => 0;
  try {
    await test();
  } finally {
    performance.now = now;
  }
}
