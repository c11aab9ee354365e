/** Text of strangers on its way to a terminal. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { main } from "../../src/cli/commands.ts";
import { answer, say, styled } from "../../src/cli/lib/term.ts";

/** What `action` prints. */
async function printed(action: () => unknown): Promise<string> {
  const lines: string[] = [];
  const { log, error } = console;
  console.log = console.error = (line: string) => void lines.push(line);
  try {
    await action();
  } finally {
    Object.assign(console, { log, error });
  }
  return lines.join("\n");
}

Deno.test("whatever is printed is text but for our own codes", async () => {
  const title = "\x1b]0;PWNED\x07\x1b[31m\x9b2J";
  const shown = "\\u001b]0;PWNED\\u0007\\u001b[31m\\u009b2J";
  assert.equal(await printed(() => answer(title)), shown);
  assert.equal(await printed(() => say(styled("2", title))), `\x1b[2m${shown}\x1b[0m`);
  assert.equal(await printed(() => answer(JSON.stringify("\x9b2J"))), '"\\u009b2J"');
});

Deno.test("names of commands, files and keys in errors are text too", async () => {
  const evil = "\x1b[2J\x1b]0;PWNED\x07";
  for (const args of [[evil], ["eval", evil, "--text", evil], ["train", `--${evil}`, "1"]]) {
    const found = await printed(() => main(args));
    assert.match(found, /error: /);
    assert.doesNotMatch(found, /(?!\n)\p{Cc}/u, JSON.stringify(found));
  }
});

Deno.test("help needs no permission", async () => {
  const path = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  for (const args of [["--help"], ["train", "--help"]]) {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", path, ...args],
    }).output();
    assert.equal(code, 0);
    assert.match(new TextDecoder().decode(stdout), /^Usage: /);
  }
});
