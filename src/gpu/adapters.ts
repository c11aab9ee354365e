/**
 * Which adapters a process can be given.
 *
 * @module
 */

/** An adapter that WebGPU offers. */
export interface AdapterSeen {
  /** Its own words, for people and logs. */
  readonly name: string;
  /** True for CPU rasterisers such as Mesa's llvmpipe or SwiftShader. */
  readonly software: boolean;
}

/** What an adapter says of itself. */
export function describeAdapter({ info }: Pick<GPUAdapter, "info">): AdapterSeen {
  const { description, vendor, device, isFallbackAdapter } = info;
  const name = description || [vendor, device].filter(Boolean).join(" ") || "unnamed adapter";
  return { name, software: isFallbackAdapter || /llvmpipe|lavapipe|swiftshader/i.test(name) };
}

/** The ways to ask for an adapter, the first one being that of a device. */
const WAYS: readonly GPURequestAdapterOptions[] = [
  { powerPreference: "high-performance" },
  { powerPreference: "low-power" },
  { forceFallbackAdapter: true },
];

/**
 * The adapters that a process sees, the one that it takes first: WebGPU lists none, it is asked in every
 * way, and two of the same name are one.
 */
export async function adaptersSeen(gpu: GPU = navigator.gpu): Promise<AdapterSeen[]> {
  const seen = new Map<string, AdapterSeen>();
  for (const way of WAYS) {
    const adapter = await gpu.requestAdapter(way);
    if (!adapter) continue;
    const told = describeAdapter(adapter);
    seen.getOrInsertComputed(told.name, () => told);
  }
  return [...seen.values()];
}
