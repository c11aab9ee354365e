/** Wrong usages and configs: exit code 2, one sentence that says what to do, no stack, nothing written. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/commands.ts";
import { fileURLToPath } from "node:url";
import { grantsOf } from "../../src/cli/permissions/grants.ts";
import { capture } from "./capture.ts";

/** A command line, and what is said of it. FOLDER is a folder that holds `train.json` and `rows.jsonl`. */
type Wrong = readonly [args: string, says: RegExp];

const NEEDED = "--model base --data rows.jsonl";

const USAGES: readonly Wrong[] = [
  ["trian", /unknown command trian, the nearest is train/],
  ["xyzzy", /unknown command xyzzy, wanted one of init, train/],
  ["train --resum", /unknown flag --resum, the nearest is --resume/],
  ["train --qwerty", /unknown flag --qwerty, wanted one that --help lists/],
  ["train --resume --resume", /found --resume twice, wanted it once/i],
  ["train --resume=yes", /found a value for --resume, wanted none/i],
  ["train --train.lr", /found no value for --train\.lr, wanted one/i],
  ["train a.json b.json", /found 2 arguments \(a\.json, b\.json\), wanted 0 to 1: train/i],
  ["train FOLDER/none.json", /cannot read .*none\.json: no such file/i],
  ["train FOLDER/rows.jsonl", /found no config by its name, wanted one that ends in \.json/],
  ["train --preset best --model base", /--preset best, wanted one of gentle, standard, thorough/],
  ["train --preset gental --model base", /did you mean "gentle"/],
  ["init base", /found 1 arguments \(base\), wanted 2 at least: init MODEL DATA/i],
  ["init base rows.jsonl --out train.json", /--out train\.json, wanted a name that ends in \.yaml/],
  ["pretrain", /found 0 arguments, wanted 1: pretrain CONFIG/i],
  ["generate", /found 0 arguments, wanted 1/i],
  ["generate base", /wanted one of --prompt, --instruction and --prompts/i],
  [
    "generate base --prompt a --instruction b",
    /wanted one of --prompt, --instruction and --prompts/i,
  ],
  [
    "generate base --prompt a --system b",
    /found --system beside --prompt, wanted it with --instr/i,
  ],
  ["generate base --prompt a --max-tokens many", /--max-tokens many, wanted a whole number/],
  ["generate base --prompt a --temperature -1", /temperature/],
  ["eval base", /wanted one of --text, --data and --tasks/i],
  ["eval base --text a --data b", /wanted one of --text, --data and --tasks/i],
  [
    "eval base --text a --format alpaca",
    /found --format beside --text, wanted it with --data only/i,
  ],
  ["eval base other --text a", /found other, wanted one model/i],
  ["export base --format gguf", /found no --out, wanted one: export/i],
  ["guard runs/mine", /found no --out, wanted one/i],
  ["merge runs/mine", /--out/],
  ["serve", /found 0 arguments/i],
  ["serve base --adapter runs/mine", /--adapter: found runs\/mine, wanted NAME=FOLDER/],
  ["serve base --port far", /--port far, wanted/],
  ["serve base --port 70000", /--port 70000, wanted/],
  ["serve base --adapter a=x --adapter a=y", /--adapter: found two of the name a/],
  ["serve base --host 0.0.0.0", /--host: found 0\.0\.0\.0.*wanted a token in GRAFT_API_KEY/],
  ["watch --port many", /--port many, wanted/],
  ["combine a b --weights 1 --out c", /--weights 1, wanted a number for each of 2 adapters/],
  ["bench --only nothing", /found no benchmark named nothing/i],
  ["tune base --seconds soon", /--seconds soon, wanted a number/],
  ["study nothing spec.json --out x", /found the study nothing, wanted one of zero-shot/i],
  ["export base --format gguf --type q9 --out x", /--type q9, wanted F32/],
  ["chat base --max-tokens 0", /--max-tokens 0, wanted a whole number from 1 on/],
  ["runs shwo 1", /unknown command runs shwo, the nearest is show/],
  ["runs show", /found 0 arguments, wanted 1/i],
  ["doctor me", /found 1 arguments \(me\), wanted 0: doctor/i],
  ["inspect FOLDER/train.json --rows few", /--rows few, wanted a whole number/],
  ["push runs/mine", /found 1 arguments/i],
];

const CONFIGS: readonly Wrong[] = [
  [`train ${NEEDED} --train.lr fast`, /--train\.lr: found "fast", wanted a number above 0/],
  [`train ${NEEDED} --train.lr 0`, /--train\.lr: found 0, wanted a number above 0/],
  [
    `train ${NEEDED} --train.warmpu 3`,
    /--train\.warmpu: unknown key, the nearest is train\.warmup/,
  ],
  [
    `train ${NEEDED} --adapter.rank 0`,
    /--adapter\.rank: found 0, wanted a whole number of at least 1/,
  ],
  [
    `train ${NEEDED} --adapter.method qlora`,
    /--adapter\.method: found "qlora", wanted lora, dora, ia3, vera, bottleneck, prompt_tuning, p_tuning or prefix_tuning/,
  ],
  [`train ${NEEDED} --quantize int4`, /--quantize: found "int4", wanted q8_0/],
  [`train ${NEEDED} --guard.budget 2%`, /found "2%" in the budget "2%", wanted ppl:PERCENT% or kl/],
  [`train ${NEEDED} --train.steps 5 --train.epochs 2`, /wanted only one of the two/],
  [
    `train ${NEEDED} --train.tokens_per_batch 1000 --train.micro_batch_tokens 512`,
    /wanted a multiple of train\.micro_batch_tokens/,
  ],
  [`train ${NEEDED} --train.keep best`, /train\.keep: found "best" beside train\.eval_every 0/],
  [`train ${NEEDED} --objective.kind rlhf`, /--objective\.kind: found "rlhf", wanted/],
  [
    `train ${NEEDED} --data.template chatmll`,
    /--data\.0\.template\S*: found "chatmll", wanted alpaca/,
  ],
  [`train ${NEEDED} --data.format alpacca`, /--data\.0\.format: found "alpacca", wanted/],
  ["train --model base", /data: missing, wanted a list that is not empty/],
  ["train FOLDER/broken.json", /cannot read .*broken\.json: not valid JSON/i],
  ["train FOLDER/broken.yaml", /broken\.yaml:\d+: found malformed YAML/],
  ["train FOLDER/list.json", /found an array, wanted a JSON object/],
  ["train FOLDER/keys.json", /keys\.json: trian: unknown key, the nearest is train/],
];

const FILES = {
  "train.json": '{"model": "base", "data": [{"path": "rows.jsonl"}]}',
  "rows.jsonl": '{"instruction": "a", "output": "b"}',
  "broken.json": '{"model": ',
  "broken.yaml": "model: base\n\tdata: x\n",
  "list.json": "[1, 2]",
  "keys.json": '{"model": "base", "data": [{"path": "rows.jsonl"}], "trian": {"lr": 1}}',
};

Deno.test("forty wrong usages and configs: a sentence, exit 2, no stack", async (t) => {
  const folder = Deno.makeTempDirSync();
  for (const [name, text] of Object.entries(FILES)) {
    Deno.writeTextFileSync(join(folder, name), text);
  }
  const all = [...USAGES, ...CONFIGS];
  assert.ok(all.length >= 40, `${all.length}`);
  for (const [line, says] of all) {
    await t.step(line, async () => {
      const args = line.split(" ").map((arg) => arg.replace("FOLDER", folder));
      const { code, stdout, stderr } = await capture((given) => main(given), ...args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, /^error: [^\n]+\n$/, "one line");
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n\s+at |\.ts:\d+:\d+/, "no stack");
    });
  }
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
    ...Object.keys(FILES).sort(),
  ]);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a port that is none ends in that sentence where permissions are worked out of it too", async () => {
  for (const args of [["watch", "--port", "many"], ["serve", "base", "--port", "70000"]]) {
    assert.deepEqual(
      (await grantsOf(args, "mark")).net.filter((host) => /many|70000/.test(host)),
      [],
    );
    const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "-RWESN", "--unstable-worker-options", program, ...args],
    }).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), /^error: [^\n]*--port[^\n]+\n$/);
  }
});
