import { join } from "node:path";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { openSafetensors } from "../../src/io/safetensors/safetensors.ts";
import { assertFileError } from "../io/helpers.ts";
import { withTiny, writeTinyAdapter } from "../models/tiny.ts";

Deno.test("readPeft() refuses an adapter that holds a NaN, by the tensor's name", () =>
  withTiny({}, (base) => {
    const folder = join(base, "adapter");
    writeTinyAdapter(folder, base);
    const path = join(folder, "adapter_model.safetensors");
    const bytes = Deno.readFileSync(path);
    const name = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight";
    using file = openSafetensors(path);
    new DataView(bytes.buffer).setUint32(file.tensors.get(name)!.begin + 8, 0x7fc00000, true);
    Deno.writeFileSync(path, bytes);
    assertFileError(
      () => readPeft(folder),
      `Cannot use tensor "${name}" in ${path}: its element 2 is NaN or infinite`,
    );
    return Promise.resolve();
  }));

Deno.test("readPeft() refuses a config that nests without end", () =>
  withTiny({}, (base) => {
    const folder = join(base, "adapter");
    writeTinyAdapter(folder, base);
    const path = join(folder, "adapter_config.json");
    Deno.writeTextFileSync(path, `{"peft_type":"LORA","x":${"[".repeat(1e6)}${"]".repeat(1e6)}}`);
    assertFileError(() => readPeft(folder), `${path}: found JSON that nests deeper`);
    return Promise.resolve();
  }));
