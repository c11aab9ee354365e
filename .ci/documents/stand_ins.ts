/**
 * What stands here for the names in the documents, what makes a command small, and why some are not
 * run.
 *
 * @module
 */

/** The model that stands for any. */
export const BASE = "configs/quickstart/base";

/** Why a command of a document is not run here. */
export type Reason =
  | "internet"
  | "mpi"
  | "npm"
  | "cluster"
  | "curl"
  | "root"
  | "hours"
  | "model"
  | "server"
  | "usage";

/**
 * Commands that are not run, by what they begin with after stand-ins, with the reason, and the
 * program where they are run all the same.
 */
export const NOT_RUN: readonly (readonly [RegExp, Reason, string?])[] = [
  [/^apt-get install/, "root"],
  [/^mpirun -H/, "cluster"],
  [/^mpirun/, "mpi", "mpirun"],
  [/^srun/, "cluster"],
  [/^npm pack/, "npm", "npm"],
  [/^npm install/, "internet"],
  [/^deno run -A src\/cli\/main\.ts doctor --webgpu/, "internet"], // what npm would have brought
  [/^curl/, "curl", "curl"],
  [/^deno task self-instruct \S+ --endpoint/, "server"],
  [/^deno task study NAME/, "usage"],
  [/^deno task study zero-shot/, "internet"], // data sets of others
  [/^deno task self-instruct/, "model"], // of the quickstart's answers none is kept
  [/^\.\/run test/, "hours"],
  [/^deno task train runs\/mine\/trouble/, "usage"], // a run that has failed
];

/** A name in documents, and what stands for it; those of a page before those of all. */
type StandIn = readonly [name: RegExp, place: string];

/** Of all documents. */
const STANDS_FOR: readonly StandIn[] = [
  [/(?<=sweep )(SPEC|configs\/studies\/sweep)\.json/g, "sweep.json"],
  [/configs\/studies\/quality\.json/g, "quality.json"],
  [/(?<=mpirun )-n [48]/g, "-n 2 --bind-to none"],
  [/(HuggingFaceTB\/)?SmolLM2-135M-Instruct\b|\bMODEL\b|(?<=--model )(owner\/name|base)\b/g, BASE],
  [/(?<=task eval )base\b/g, BASE],
  [/\b(CONFIG|SPEC)(\.json)?(?= |$)/g, "configs/quickstart/train.json"],
  [/(?<=tasks )A B\b/g, "test.jsonl more.jsonl"],
  [/=OWNER\/NAME/g, "=runs/b"],
  [/ --from DIR --port 8001/g, ""],
  [/(?<=adapter )DIR\b/g, "runs/a"],
  [/(?<=from )DIR\b/g, "runs/a/adapter"],
  [/--out DIR\b/g, "--out runs/study"],
  [/(?<=task train )\.\.\./g, `--model ${BASE} --data rows.jsonl`],
  [/\bLARGER\b/g, BASE],
];

/** Of one page. */
const OF_PAGE: Readonly<Record<string, readonly StandIn[]>> = {
  "docs/adapters.md": [[/<\|im_start\|>,<\|im_end\|>/, "</s>"]],
  "docs/choosing.md": [[/first second/, "a b"]],
  "docs/evaluation.md": [[/--tasks rows/, "--tasks test"]],
  "docs/performance.md": [
    [/--seconds 60/, "--seconds 1"],
    [/--only linear --rounds 7/, '--only "linear f32" --rounds 1'],
  ],
  "docs/rewards.md": [[/\bMODEL\b/g, "talker"], [/--answers 8/, "--answers 2"]],
  "docs/runs.md": [[/compare 3 4/, "compare 1 2"], [/remove 3 4/, "remove rows a"]],
  "docs/serve.md": [
    [/MODEL/, "talker"],
    [/^curl/, "curl -sS --fail-with-body"],
  ],
  "docs/scores.md": [
    [/--adapter runs\/mine --data test/, "--adapter runs/reviews --data reviews"],
    [/--adapter runs\/rewards/, "--adapter runs/comparisons"],
  ],
};

const GUARDED = "--train.steps 4 --train.tokens_per_batch 512 --eval.samples 0";
const FEW = "--guard false --train.steps 2 --train.tokens_per_batch 512 --eval.samples 0";
/** Of what is trained on answers that are drawn: an update has its prompts, whatever their tokens. */
const DRAWN = "--guard false --train.steps 2 --eval.samples 0";
/** With a guard, for which such an update has tokens; what went before had none and has forgotten. */
const CERTIFIED = "--train.steps 4 --eval.samples 0 --guard.documents.control 24 " +
  "--guard.documents.certificate 64 --guard.budget ppl:100%";
const RANKS = "--guard false --train.steps 2 --eval.samples 0 --eval.tasks [] --out runs/ranks";

/** What makes a command small, by its first words; the last that fits is taken. */
const SMALLER: readonly (readonly [words: string, flags: string])[] = [
  ["train", FEW],
  ["train --help", ""],
  [`train --model ${BASE} --data rows.jsonl --guard.text`, GUARDED],
  ...["reviews", "comparisons"].map((name) =>
    [
      `train --model ${BASE} --data ${name}.jsonl`,
      `${FEW} --out runs/${name}`,
    ] as const
  ),
  ...[
    `train --model ${BASE} --data ask`,
    `train --model ${BASE} --data rows.jsonl --objective.kind gkd`,
    "train --model merged --data ask",
  ].map((words) => [words, DRAWN] as const),
  ["train configs/online/warm", "--guard false --eval.samples 0"],
  ["train configs/online/grpo", CERTIFIED],
  ["train run.jsonc --adapter.init corda_kpm", `--guard.text keep.txt ${GUARDED}`],
  [`train configs/quickstart/train.json`, ""], // --print-config, --print-plan
  [`train configs/quickstart/train.json --distributed`, RANKS],
  ["chat", "--template chatml --max-tokens 8"],
  ["generate", "--max-tokens 8"],
  [`generate ${BASE} --prompts`, "--template chatml --max-tokens 8"],
  ["eval", "--max-tokens 8"],
  ["eval merged", ""],
  [
    `eval ${BASE} --adapter runs/mine --tasks builtin`,
    "--max-tokens 8 --max-rows 6 --template chatml",
  ],
  [`eval ${BASE} --adapter runs/quickstart-adapter`, ""],
  [`eval ${BASE} --adapter runs/reviews`, ""],
  [`eval ${BASE} --adapter runs/comparisons`, ""],
  ["guard", "--max-tokens 4 --template chatml"],
  ["guard both", ""],
  ["export runs/mine --format gguf --type q8_0 --out mine.gguf --modelfile", "--template chatml"],
  ["push", "--base-model owner/base"],
  ["sample", "--max-tokens 24 --stop ."],
  ["bench", "--only rms_norm --rounds 1"],
  ["bench --only", ""],
  ["serve", "--port 0 --context 64"],
  ["watch", "--port 0"],
  ["tune", "--seconds 1"],
  ["tune configs/quickstart/train.json", ""],
  ["doctor", "--brief"],
];

/** A command of a page with what stands for its names, and with what makes it small. */
export function standIn(page: string, command: string): string {
  const names = [...OF_PAGE[page] ?? [], ...STANDS_FOR];
  const named = names.reduce((line, [name, place]) => line.replace(name, place), command);
  const task = named.replace(/^(deno task|\.\/run|mpirun .*main\.ts|mpirun .*deno task) /, "");
  const small = SMALLER.findLast(([words]) => task.startsWith(words))?.[1] ?? "";
  const added = named.includes("--guard false") ? small.replace("--guard false", "") : small;
  return `${named} ${added}`.trim();
}

/** Of a base that chats. */
const TEMPLATE = "{% for turn in messages %}{{ turn.role }}: {{ turn.content }}{{ eos_token }}" +
  "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";

/** The shape of Llama 2 with 7 billion weights; a plan reads no more. */
const LLAMA = {
  ...{ architectures: ["LlamaForCausalLM"], model_type: "llama", vocab_size: 32000 },
  ...{ hidden_size: 4096, intermediate_size: 11008, num_hidden_layers: 32 },
  ...{ num_attention_heads: 32, num_key_value_heads: 32, max_position_embeddings: 4096 },
  ...{ hidden_act: "silu", rms_norm_eps: 1e-5, tie_word_embeddings: false, torch_dtype: "float16" },
  ...{ bos_token_id: 1, eos_token_id: 2 },
};

/** Rows and texts by the names that documents give them, out of the quickstart's. */
export function inputsOf(read: (path: string) => string): Record<string, string> {
  const lines = (name: string, most: number) =>
    read(`configs/quickstart/${name}`).split("\n").slice(0, most);
  const rows = lines("instructions.jsonl", 64);
  const parsed: { instruction: string; input: string; output: string }[] = rows
    .map((row) => JSON.parse(row));
  const jsonl = (values: readonly object[]) => values.map((row) => JSON.stringify(row)).join("\n");
  const asked = parsed.slice(0, 4)
    .map(({ instruction, input, output }) => ({
      question: `${instruction} ${input}`,
      answer: output,
    }));
  const pairs = parsed.map(({ instruction, input, output }, i) => ({
    prompt: `${instruction} ${input}`,
    chosen: output,
    rejected: `${parsed[(i + 1) % parsed.length]!.output} No.`,
  }));
  const reviews = parsed.map(({ output }, i) => ({
    text: output,
    label: i % 2 === 0 ? "positive" : "negative",
  }));
  const stories: string[] = lines("retention.jsonl", 200).map((line) => JSON.parse(line).text);
  const tests = lines("instructions_test.jsonl", 8);
  const suite = { tasks: [{ name: "suite", path: "test.jsonl", metrics: ["exact_match"] }] };
  const quick = {
    ...{ model: "configs/quickstart/base", guard: false, eval: { samples: 0 } },
    train: { steps: 2, tokens_per_batch: 512, micro_batch_tokens: 512, checkpoint_every: 0 },
  };
  const asks = { path: "test.jsonl", template: "plain" };
  const sweep = {
    run: { ...quick, data: [{ path: "rows.jsonl" }], eval: { data: [{ path: "test.jsonl" }] } },
    vary: { "train.lr": [0.001, 0.003] },
  };
  const quality = {
    ...{ run: quick, data: { path: "rows.jsonl", template: "plain" }, rows: 32, sizes: [8] },
    ways: ["select", "random"],
    ...{ tasks: [{ name: "unseen", ...asks, max_tokens: 8 }], metrics: ["nats", "rougeL"] },
    seeds: [1],
  };
  const run = {
    ...{ model: BASE, data: [{ path: "rows.jsonl", template: "plain" }], out: "runs/again" },
    ...{ guard: false, eval: { samples: 0 }, train: { steps: 4 } },
  };
  const files = {
    "rows.jsonl": rows.join("\n"),
    "test.jsonl": tests.slice(0, 4).join("\n"),
    "more.jsonl": tests.slice(4).join("\n"),
    "suite.json": JSON.stringify(suite),
    "sweep.json": JSON.stringify(sweep),
    "quality.json": JSON.stringify(quality),
    "Llama-2-7b-hf/config.json": JSON.stringify(LLAMA),
    "talker/chat_template.jinja": TEMPLATE,
    "run.jsonc": `// a run\n${JSON.stringify(run)}`,
    "ask.jsonl": jsonl(asked),
    "asked.jsonl": jsonl(asked),
    "questions.jsonl": jsonl(asked.map(({ question, answer }) => ({ prompt: question, answer }))),
    "prefs.jsonl": jsonl(pairs),
    "preferences.jsonl": jsonl(pairs),
    "comparisons.jsonl": jsonl(pairs),
    "reviews.jsonl": jsonl(reviews),
    "seed_tasks.jsonl": jsonl(
      parsed.slice(0, 12).map(({ instruction, input, output }) => ({
        instruction: `${instruction} ${input}`,
        instances: [{ input: "", output }],
      })),
    ),
    "keep.txt": stories.join("\n\n<|endoftext|>\n\n"),
    "keep.jsonl": lines("retention.jsonl", 200).join("\n"),
    "held_out.txt": stories.slice(0, 8).join("\n\n"),
    "mine.ts": "export default (_prompt: string, completion: string): number =>\n" +
      "  completion.length;",
    "rewards.yaml": "rewards:\n  - { kind: function, path: mine.ts }",
  };
  return Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, `${text}\n`]),
  );
}

/** What the documents take for granted: runs and files of the reader's. */
export const PREPARED: readonly string[] = [
  `cp -r ${BASE}/. talker`,
  ...["mine", "rows", "a", "b"].map((name, seed) =>
    `deno task train --model ${BASE} --data rows.jsonl --out runs/${name} ${FEW} ` +
    `--eval.data test.jsonl --train.seed ${seed}`
  ),
  "deno task merge runs/mine --out merged",
  `deno task export ${BASE} --format gguf --out base.gguf`,
  `deno task export ${BASE} --format gguf --out model.gguf`,
];
