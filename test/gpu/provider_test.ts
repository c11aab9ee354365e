import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../../src/errors.ts";
import { createBuffer, readFloats, upload, whole } from "../../src/gpu/buffer.ts";
import { openDevice } from "../../src/gpu/device.ts";
import { installProvider } from "../../src/gpu/provider.ts";
import { main } from "../../src/cli/commands.ts";
import { asked } from "./providers/counting.ts";

const at = (name: string) => fileURLToPath(new URL(`providers/${name}`, import.meta.url));

Deno.test("what brings no WebGPU is refused, and Deno's stays", async () => {
  const { gpu } = navigator;
  await assert.rejects(
    installProvider(at("empty.ts")),
    (fault) =>
      fault instanceof ConfigError && /Found create in .*wanted create\(\) and/.test(fault.message),
  );
  await assert.rejects(installProvider(at("none.ts")), /Cannot load a WebGPU from .*none\.ts/);
  await assert.rejects(installProvider(at(".")), /Cannot load a WebGPU from/);
  assert.equal(navigator.gpu, gpu);
});

Deno.test("--webgpu without its folder, or twice, is bad usage", async () => {
  assert.equal(await main(["doctor", "--webgpu"]), 2);
  assert.equal(await main(["doctor", "--webgpu", "--json"]), 2);
  assert.equal(await main(["doctor", "--webgpu", at("empty.ts"), "--webgpu", "x"]), 2);
});

Deno.test("devices are opened by the WebGPU that was loaded", async () => {
  await installProvider(at("counting.ts"));
  assert.equal(Reflect.get(globalThis, "providerIsHere"), true);
  using device = await openDevice();
  assert.equal(asked.length, 1);
  const numbers = whole(createBuffer(device, 16, "numbers"));
  upload(device, numbers, Float32Array.of(1, 2, 3, 4));
  assert.deepEqual([...await readFloats(device, numbers)], [1, 2, 3, 4]);
});
