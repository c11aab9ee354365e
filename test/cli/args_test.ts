import assert from "node:assert/strict";
import { type Command, HelpWanted, parseArguments } from "../../src/cli/lib/args.ts";
import { ConfigError } from "../../src/errors.ts";

const COMMAND: Command = {
  usage: "train [CONFIG]",
  summary: "Train.",
  flags: {
    json: { type: "boolean", help: "print JSON" },
    prompt: { type: "string", help: "text to continue" },
    stop: { type: "string", many: true, help: "text that ends it" },
  },
  positionals: [0, 1],
  config: true,
};

Deno.test("parseArguments() tells flags, configuration keys and positionals apart", () => {
  const line =
    "a.json --train.lr 1e-4 --json --adapter.rank=8 --prompt=--x --out runs/mine --stop a --stop=b";
  assert.deepEqual(parseArguments(COMMAND, line.split(" ")), {
    positionals: ["a.json"],
    flags: { json: "true", prompt: "--x" },
    lists: { stop: ["a", "b"] },
    config: { "train.lr": "1e-4", "adapter.rank": "8", out: "runs/mine" },
  });
});

Deno.test("parseArguments() keeps values that begin with a dash", () => {
  const { config } = parseArguments(COMMAND, ["--train.lr", "-3", "--guard", "false"]);
  assert.deepEqual(config, { "train.lr": "-3", guard: "false" });
});

Deno.test("parseArguments() leaves unknown dotted keys to the configuration", () => {
  assert.deepEqual(parseArguments(COMMAND, ["--trian.lr", "3"]).config, { "trian.lr": "3" });
});

for (
  const [line, message] of [
    ["--jsn", /unknown flag --jsn, the nearest is --json$/],
    ["--lr 3", /unknown flag --lr, the nearest is --train\.lr$/],
    ["--train.lr", /no value for --train\.lr/],
    ["--out --json", /no value for --out/],
    ["--json=yes", /a value for --json, wanted none/],
    ["--out a --out b", /--out twice/],
    ["a b", /2 arguments \(a, b\), wanted 0 to 1/],
  ] as const
) {
  Deno.test(`parseArguments() refuses "${line}"`, () => {
    assert.throws(
      () => parseArguments(COMMAND, line.split(" ")),
      (fault) => fault instanceof ConfigError && message.test(fault.message),
    );
  });
}

Deno.test("parseArguments() takes no configuration keys where the command has none", () => {
  const command = { ...COMMAND, config: false };
  assert.throws(() => parseArguments(command, ["--train.lr", "3"]), /unknown flag --train\.lr/);
});

Deno.test("parseArguments() answers --help with flags and configuration keys", () => {
  assert.throws(
    () => parseArguments(COMMAND, ["--help"]),
    (fault) =>
      fault instanceof HelpWanted && /--json +print JSON/.test(fault.message) &&
      /--train\.lr +0\.0002/.test(fault.message),
  );
});
