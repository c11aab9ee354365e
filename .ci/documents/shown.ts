/**
 * The lines that documents show of what their commands print; README's of the quickstart are in
 * README itself.
 *
 * @module
 */

/** A line of a page that a command prints, which may be one of another page. */
export interface Shown {
  readonly page: string;
  /** What the command begins with, after stand-ins. */
  readonly command: string;
  readonly line: string;
  /** How far its numbers may be off; any numbers where absent, for small inputs give others. */
  readonly share?: number;
}

const TABLE = "deno task eval configs/quickstart/base --adapter runs/quickstart-adapter";

/** All of them. */
export const SHOWN: readonly Shown[] = [
  {
    page: "docs/chat.md",
    command: "deno task generate",
    line: "prompt 5 tokens in 2.20 s, 2.28 tokens/s; answer 10 tokens in 1.70 s, 5.30 tokens/s",
  },
  { page: "docs/config.md", command: "deno task train --help", line: "train.lr" },
  {
    page: "docs/config.md",
    command: "deno task train",
    line: "rows of     2048 tokens: 99 % of the rows have at most 1311, the longest 2790; " +
      "the model reads up to 8192",
  },
  ...[
    "task               rows  metric       base  tuned  difference  95 %            won  lost       p",
    "instructions_test   291  exact_match   0.0   98.3       +98.3  +96.6 to +99.7  286     0  <0.001",
    "instructions_test   291  rougeL       27.1   99.4       +72.3  +70.2 to +74.4  291     0  <0.001",
  ].map((line) => ({ page: "docs/evaluation.md", command: TABLE, line, share: 0.05 })),
  {
    page: "docs/performance.md",
    command: "deno task train",
    line: "memory      215.3 MiB (weights 1.4 MiB, params with gradients and moments 2.1 MiB, ...",
  },
  ...[
    "total                              5378.9 MiB",
    "fits into train.memory_gib (8192.0 MiB)",
  ].map((line) => ({
    page: "docs/performance.md",
    command: "deno task plan --model Llama-2-7b-hf",
    line,
    share: 0,
  })),
  {
    page: "docs/runs.md",
    command: "deno task runs",
    line: "ID  NAME  STATUS  WHEN              UPDATES   LOSS  EVAL_LOSS  MODEL  DATA",
  },
];
