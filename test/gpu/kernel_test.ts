import assert from "node:assert/strict";
import { GpuError } from "../../src/errors.ts";
import { type Kernel, Pipelines, resolve } from "../../src/gpu/kernel.ts";
import { engine } from "../harness.ts";

const piece = { name: "shared/piece", text: "alias T = f32;\nfn one() -> T { return 1; }" };
const other = { name: "shared/other", text: "#import piece\nfn two() -> T { return one() + 1; }" };
const kernel: Kernel = {
  name: "k",
  text: `// k
#import other
#import piece
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
override N: f32 = 0;
@compute @workgroup_size(1)
fn main() { y[0] = f32(two()) + N; }`,
  imports: { piece, other },
};

const withPiece = (text: string): Kernel => ({
  ...kernel,
  imports: { other, piece: { ...piece, text } },
});

Deno.test("resolve() puts imports in place, each once, and knows where lines were written", () => {
  const { code, lines } = resolve(kernel);
  assert.deepEqual(code.split("\n").slice(0, 5), [
    "// k",
    "alias T = f32;",
    "fn one() -> T { return 1; }",
    "fn two() -> T { return one() + 1; }",
    "@group(0) @binding(0) var<storage, read_write> y: array<f32>;",
  ]);
  assert.deepEqual(lines.slice(0, 5), [
    { file: "kernels/k.wgsl", line: 1 },
    { file: "kernels/shared/piece.wgsl", line: 1 },
    { file: "kernels/shared/piece.wgsl", line: 2 },
    { file: "kernels/shared/other.wgsl", line: 2 },
    { file: "kernels/k.wgsl", line: 4 },
  ]);
});

Deno.test("resolve() replaces aliases, in imported pieces too", () => {
  assert.match(resolve({ ...kernel, aliases: { T: "i32" } }).code, /^alias T = i32;$/m);
});

Deno.test("resolve() names an unknown import and an unknown alias", () => {
  assert.throws(
    () => resolve({ ...kernel, imports: { other } }),
    new GpuError("kernels/shared/other.wgsl:1: unknown #import piece"),
  );
  assert.throws(
    () => resolve({ ...kernel, aliases: { T: "i32", U: "i32" } }),
    new GpuError("kernels/k.wgsl has no alias U"),
  );
});

Deno.test("a compile error names the file and line of the piece that it is in", async () => {
  const { pipelines } = await engine();
  const unknown = withPiece("alias T = f32;\n\nfn one() -> T { return nobody; }");
  await assert.rejects(pipelines.get(unknown, {}), {
    name: "GpuError",
    message: /^kernels\/shared\/piece\.wgsl:3:\d+: .*nobody/,
  });
  const afterPiece = { ...kernel, text: kernel.text.replace("+ N", "+ M") };
  await assert.rejects(pipelines.get(afterPiece, {}), {
    name: "GpuError",
    message: /^kernels\/k\.wgsl:7:\d+: .*\bM\b/,
  });
});

Deno.test("a wrong constant or a missing entry point names the kernel", async () => {
  const { device, pipelines } = await engine();
  await assert.rejects(pipelines.get(kernel, { NOBODY: 1 }), {
    name: "GpuError",
    message: /^kernels\/k\.wgsl with \{"NOBODY":1\}: /,
  });
  const headless = { ...kernel, text: kernel.text.replace("fn main", "fn start") };
  await assert.rejects(pipelines.get(headless, {}), { name: "GpuError", message: /k\.wgsl/ });
  device.check(); // neither is reported again
});

Deno.test("Pipelines compile each text and set of constants once", async () => {
  const { device } = await engine();
  const pipelines = new Pipelines(device);
  const first = await pipelines.get(kernel, { N: 1 });
  assert.equal(await pipelines.get({ ...kernel }, { N: 1 }), first);
  assert.notEqual(await pipelines.get(kernel, { N: 2 }), first);
  assert.notEqual(await pipelines.get({ ...kernel, aliases: { T: "i32" } }, { N: 1 }), first);
  assert.equal(pipelines.size, 3);
});
