/** Whether kernels keep to the limits that every WebGPU adapter has. */
import { Device } from "../src/gpu/device.ts";
import { compile } from "../src/graph/compile.ts";
import { Graph } from "../src/graph/graph.ts";
import { newEngine, type OpCase } from "./harness.ts";

/** Registers a test that compiles the cases' forwards for an adapter without raised limits. */
export function testDefaultLimits(what: string, cases: readonly OpCase[]): void {
  Deno.test(`${what} fit the default limits of WebGPU`, async () => {
    const adapter = await navigator.gpu.requestAdapter();
    using device = new Device(await adapter!.requestDevice(), "default limits", true, "shared");
    for (const { given, build } of cases) {
      const graph = new Graph("shared");
      const inputs = Object.entries(given).map(([name, { shape, type = "f32", layout }]) => {
        return [name, Object.assign(graph.input(name, shape, type), layout && { layout })];
      });
      const results = build(graph, Object.fromEntries(inputs));
      for (const [name, value] of Object.entries(results)) graph.output(name, value);
      (await compile(newEngine(device), graph)).destroy();
    }
  });
}
