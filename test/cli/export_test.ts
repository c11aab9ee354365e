import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openGguf } from "../../src/io/gguf/reader.ts";
import { writeTinyAdapter } from "../models/tiny.ts";
import { main } from "../../src/cli/commands.ts";
import { capture } from "./capture.ts";

const base = fileURLToPath(new URL("../../configs/quickstart/base", import.meta.url));

Deno.test("export writes a model, a merged model and an adapter for llama.cpp", async () => {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const adapter = join(parent, "adapter");
    writeTinyAdapter(adapter, base);
    const write = (given: string, format: string, type: string) => {
      const out = join(parent, `${format} ${type}.gguf`);
      return capture(
        (args) => main(args),
        "export",
        given,
        "--format",
        format,
        "--type",
        type,
        "--out",
        out,
        "--json",
      );
    };
    const model = await write(base, "gguf", "q8_0");
    assert.equal(model.code, 0, model.stderr);
    assert.equal(JSON.parse(model.stdout).tensors, 29);
    const merged = await write(adapter, "gguf", "F32");
    assert.equal(merged.code, 0, merged.stderr);
    const lora = await write(adapter, "gguf-lora", "F16");
    assert.equal(lora.code, 0, lora.stderr);
    using file = openGguf(join(parent, "gguf-lora F16.gguf"));
    assert.equal(file.metadata.get("general.type"), "adapter");

    const out = join(parent, "served.gguf");
    const served = ["export", base, "--format", "gguf", "--out", out, "--template", "chatml"];
    const withModelfile = await capture((args) => main(args), ...served, "--modelfile");
    assert.equal(withModelfile.code, 0, withModelfile.stderr);
    const beside = Deno.readTextFileSync(join(parent, "served.Modelfile"));
    assert.match(beside, /^FROM \.\/served\.gguf\nTEMPLATE """.*<\|im_start\|>/);
    const stray = await capture((args) => main(args), ...served);
    assert.equal(stray.code, 2);
    assert.match(stray.stderr, /--template, wanted it with --modelfile/);

    const without = await write(base, "gguf-lora", "F32");
    assert.equal(without.code, 2);
    assert.match(without.stderr, /wanted an adapter/);
    const unknown = await write(base, "onnx", "F32");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /--format onnx, wanted gguf/);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
});
