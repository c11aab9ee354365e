/**
 * What a run is made of, as lines before its first update.
 *
 * @module
 */
import type { MemoryParts, SourceFacts, StartEvent } from "./events.ts";

/** A name with what there is to say, under each other. */
export const row = (name: string, text: string): string => `${name.padEnd(12)}${text}`;

/** Model, data and device, a line each; its length and what it takes were said before. */
export function startPanel(start: StartEvent): string[] {
  const { config, facts, device, out, steps, done, trains } = start;
  const { model, trained, sources } = facts;
  const kept = out ?? "nothing is written";
  return [
    row("run", `${kept}${done > 0 ? `, resumed after ${done} of ${steps} updates` : ""}`),
    row("model", `${config.model}: ${model.family}, ${countText(model.parameters)} parameters`),
    row(
      "trains",
      `${trains === "adapter" ? `${adapterText(start)}: ` : "every parameter: "}` +
        `${countText(trained)} numbers, ${shareText(trained / model.parameters)} of the model`,
    ),
    ...sources.map((source, i) => row(i === 0 ? "data" : "", sourceText(source, sources))),
    row(
      "updates",
      `${steps} of ${updateText(config)}${
        facts.epochs === null ? "" : `: ${facts.epochs} passes over the rows`
      }`,
    ),
    row("device", `${device.adapter}${device.software ? " (software)" : ""}`),
  ];
}

/** What an update is made of. */
export function updateText(
  { objective, train: { tokens_per_batch: tokens, micro_batch_tokens: micro } }: Pick<
    StartEvent["config"],
    "objective" | "train"
  >,
): string {
  if ("prompts" in objective) {
    const { prompts } = objective;
    return "answers" in objective
      ? `${prompts} prompts with ${objective.answers} answers each`
      : `answers to ${prompts} prompts`;
  }
  const micros = tokens / micro;
  return `${tokens} tokens${micros === 1 ? "" : ` in ${micros} micro-batches`}`;
}

/** Methods of a rank. */
const RANKED = ["lora", "dora", "vera"];

function adapterText({ config: { adapter } }: StartEvent): string {
  const { method = "lora", rank, targets, from } = adapter;
  const on = typeof targets === "string" ? targets : targets.join(", ");
  const size = RANKED.includes(method) ? ` of rank ${rank}` : "";
  const where = [...RANKED, "ia3"].includes(method) ? ` on ${on}` : "";
  return `${method}${size}${where}${from === undefined ? "" : `, from ${from}`}`;
}

function sourceText(
  { path, licence, rows, tokens, supervised, share }: SourceFacts,
  all: readonly SourceFacts[],
): string {
  const counts = tokens === null || supervised === null
    ? "encoded while it trains"
    : `${tokens} tokens, ${supervised} of them learnt`;
  const mix = mixText({ share, supervised }, all);
  const terms = licence === null ? "" : `; licence ${licence}`;
  return `${path}: ${rows} rows, ${counts}${mix}${terms}`;
}

/** A source's part of what is learnt, where there are several. */
function mixText(
  { share, supervised }: Pick<SourceFacts, "share" | "supervised">,
  all: readonly SourceFacts[],
): string {
  if (all.length === 1) return "";
  if (share !== null) return `; mixed in at ${shareText(share)} of what is learnt`;
  const total = all.reduce((sum, other) => sum + (other.supervised ?? 0), 0);
  return supervised === null ? "" : `; ${shareText(supervised / total)} of what is learnt`;
}

/** `0.65 M`, `135 M`, `7.2 B`. */
export function countText(count: number): string {
  if (count < 1e4) return String(count);
  const [unit, name] = count < 1e9 ? [1e6, "M"] : [1e9, "B"];
  const digits = count / unit < 10 ? 2 : count / unit < 100 ? 1 : 0;
  return `${(count / unit).toFixed(digits)} ${name}`;
}

const shareText = (share: number): string => `${(100 * share).toPrecision(3)} %`;

/** All bytes of some parts. */
export const totalOf = (memory: MemoryParts): number =>
  Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);

/** `334.7 MiB`. */
export const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** `334.7 MiB (weights 1.4 MiB, activations 106.8 MiB)`. */
export function memoryText(memory: MemoryParts): string {
  const parts = Object.entries(memory).filter(([, bytes]) => bytes > 0)
    .map(([name, bytes]) => `${name} ${mib(bytes)}`);
  return `${mib(totalOf(memory))} (${parts.join(", ")})`;
}
