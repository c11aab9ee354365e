/** Deno's own WebGPU as a package would bring it, which counts the adapters that were asked for. */
const { gpu } = navigator;

export const asked: (GPURequestAdapterOptions | undefined)[] = [];
export const globals = { GPUBufferUsage, providerIsHere: true };

export const create = (options: readonly string[]): Partial<GPU> => ({
  requestAdapter(wish) {
    if (options.length > 0) throw new Error(`Found the options ${options}`);
    asked.push(wish);
    return gpu.requestAdapter(wish);
  },
});
