import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../src/cli/serve.ts";
import { SMOLLM2, withTinyChat } from "../inference/tiny_chat.ts";
import { writeTinyAdapter } from "../models/tiny.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

Deno.test("serve answers until it is interrupted", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const adapter = join(folder, "adapter");
    writeTinyAdapter(adapter, folder);
    const size = ["--port", "0", "--context", "128", "--slots", "2"];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-no-legacy-abort", "--no-check", MAIN, "serve", folder]
        .concat(["--name", "tiny", "--adapter", `mine=${adapter}`, ...size]),
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: line = "" } = await reader.read();
    const [address] = /http:[^ ]+(?=\/v1)/.exec(line)!;
    assert.match(line, /answers as tiny, mine; .* is a page to chat in/);
    const response = await fetch(`${address}/v1/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "mine", prompt: "Hello", max_tokens: 3, temperature: 0 }),
    });
    const { choices: [choice] } = await response.json();
    assert.equal(choice.finish_reason, "length");
    child.kill("SIGINT");
    await reader.cancel();
    const stderr = await new Response(child.stderr).text();
    const { code } = await child.status;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /2 answers at a time of 128 tokens[^]*POST \/v1\/completions 200/);
    assert.doesNotMatch(stderr, /legacy/);
  }));

Deno.test("what cannot be served is refused before a model is opened", async () => {
  const refused = (args: string[], words: RegExp) =>
    assert.rejects(run(["no such folder", ...args]), words);
  await refused(["--host", "0.0.0.0"], /--host: found 0\.0\.0\.0, .* a token in GRAFT_API_KEY/);
  await refused(["--adapter", "runs/mine"], /--adapter: found runs\/mine, wanted NAME=FOLDER/);
  await refused(["--adapter", "a=b", "--adapter", "a=c"], /two of the name a/);
  await refused(["--slots", "0"], /slots/);
  await refused(["--port", "70000"], /port/);
  await refused(["--prot", "1"], /prot/);
});
