import assert from "node:assert/strict";

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;

async function run(...args: string[]) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("main lists the commands on stdout", async () => {
  const { code, stdout } = await run("--help");
  assert.equal(code, 0);
  assert.match(stdout, /deno task train +train a LoRA adapter/);
});

Deno.test("main exits with 2 and one line for an unknown command", async () => {
  const { code, stdout, stderr } = await run("trains");
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.equal(stderr, "error: Found the unknown command trains, the nearest is train\n");
});
