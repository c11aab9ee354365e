/**
 * The black box of a run: what there is to know of an update that broke, and what it takes to see it
 * again.
 *
 * @module
 */
import { join } from "node:path";
import { writePeft } from "../../adapters/peft/folder.ts";
import { isHeeded, OPTIMIZER_KEYS, type SizedConfig } from "../../config/mod.ts";
import { answersOf, type Example } from "../../data/mod.ts";
import { exists, writeJson, writeText } from "../../io/files.ts";
import { remove, rename, stageFolder } from "../../io/folders.ts";
import { type Planned, planUpdate } from "../updates/prepare.ts";
import type { Session } from "../session.ts";
import type { Trouble } from "./trouble.ts";

/** The files of a black box. */
const FILES = { report: "report.json", rows: "rows.jsonl", config: "train.json" };

/** A black box that was written. */
export interface BlackBox {
  readonly folder: string;
  /** Where trouble begins, in words. */
  readonly finding: string;
}

/**
 * Replays the update, whose params are as they were before it, with sentinels behind each dispatch,
 * and writes what that finds: the dispatch, the rows as `format: "tokens"` takes them, the last
 * updates, the adapter, and a config that trains it on them. A sync point.
 */
export async function writeBlackBox(
  session: Session,
  trouble: Trouble,
  folder: string,
): Promise<BlackBox> {
  const { step, found, value, updates } = trouble;
  const broken = await brokenParam(session);
  const replays = await planUpdate(session, Math.min(step, session.steps - 1));
  const first = broken ?? await firstBroken(session, replays, step);
  const examples = rowsOf(session, replays);
  const path = join(folder, `step-${String(step).padStart(8, "0")}`);
  const isReplayable = broken === null && examples.every(isPlain);
  const adapter = isReplayable ? await session.trained.read(session.engine.store, 1) : null;
  stageFolder(path, (temporary) => {
    const rows = examples.map(({ origin }) => origin);
    writeJson(join(temporary, FILES.report), {
      ...{ step, found, value: String(value), first, rows, updates },
      device: session.engine.device.adapter,
    });
    if (!isReplayable) return;
    writeText(join(temporary, FILES.rows), examples.map(rowOf).join(""));
    if (!adapter) return;
    writePeft(join(temporary, "adapter"), adapter);
    const rate = updates.at(-1)?.lr ?? session.config.train.lr;
    writeJson(join(temporary, FILES.config), replayConfig(session.config, rate));
  }, (temporary, path) => {
    if (exists(path)) remove(path);
    rename(temporary, path);
  });
  return { folder: path, finding: describe(first) };
}

/** Where trouble begins. */
interface First {
  /** A param that was broken before the update. */
  readonly param?: string;
  /** The first dispatch that broke: its op, and what that makes. */
  readonly op?: string;
  /** The tensors of the model that it works with, or its block of layers. */
  readonly place?: string;
}

function describe({ param, op, place }: First): string {
  if (param !== undefined) return `${param} was no finite number before it`;
  if (op === undefined) return "its replay shows no such number";
  const name = op.split(" ")[0]!;
  return `the first is in ${name}${place === undefined ? "" : ` of ${place}`}`;
}

/** A param that is not finite already. */
async function brokenParam({ engine: { store } }: Session): Promise<First | null> {
  for (const param of store.paramNames) {
    if (!(await store.readParam(param)).every(Number.isFinite)) return { param };
  }
  return null;
}

async function firstBroken(
  session: Session,
  replays: readonly Planned[],
  step: number,
): Promise<First> {
  for (const [i, { replay: { evidence } }] of replays.entries()) {
    const found = await evidence?.firstNonFinite(step * session.replaysPerUpdate + i);
    if (found) return { op: found.label, ...(found.place !== undefined && { place: found.place }) };
  }
  return {};
}

/** The examples of the run's own rows, in their order. */
function rowsOf({ parts: [main], rows: { examples } }: Session, replays: readonly Planned[]) {
  return replays.filter(({ objective }) => objective === main.objective)
    .flatMap(({ replay: { evidence } }) => evidence?.examples ?? [])
    .map((index) => examples.at(index)!);
}

/** Whether rows of tokens can say all of it. */
const isPlain = (example: Example): boolean =>
  example.sourceLength === undefined && answersOf(example) === "one";

const rowOf = ({ ids, labels }: Example): string =>
  `${JSON.stringify({ input_ids: [...ids], labels: [...labels] })}\n`;

/** The optimiser's settings at a learning rate that falls short of the peak. */
function optimizerAt(train: SizedConfig["train"], rate: number) {
  const keys = OPTIMIZER_KEYS.filter((key) => isHeeded(key, train.optimizer));
  const lower = ([module, lr]: [string, number]) => [module, lr * rate / train.lr];
  return {
    ...Object.fromEntries(keys.map((key) => [key, train[key]])),
    lr: rate,
    lr_pattern: Object.fromEntries(Object.entries(train.lr_pattern).map(lower)),
  };
}

/** A run of one update on the rows and the adapter beside the config. */
function replayConfig({ model, quantize, train, objective }: SizedConfig, rate: number) {
  const { tokens_per_batch, micro_batch_tokens, on_too_long, allow, seed, recompute } = train;
  const { neftune_noise_alpha: alpha } = train;
  return {
    model,
    ...(quantize !== undefined && { quantize }),
    data: [{ path: FILES.rows, format: "tokens" }],
    adapter: { from: "adapter" },
    objective,
    train: {
      ...{ tokens_per_batch, micro_batch_tokens, on_too_long, allow, seed, recompute },
      ...(alpha !== undefined && { neftune_noise_alpha: alpha }),
      ...optimizerAt(train, rate),
      ...{ schedule: "constant", warmup: 0, shuffle: false },
      ...{ steps: 1, checkpoint_every: 0, retries: 0 },
    },
    guard: false,
    eval: { samples: 0 },
  };
}
