/**
 * `deno task guard`: scales and certifies an adapter that was made elsewhere, without training.
 *
 * @module
 */
import { atScaling } from "../adapters/scaling.ts";
import { readPeft, writePeft } from "../adapters/peft/folder.ts";
import {
  type DataEntry,
  type Example,
  loadExamples,
  type RowTokenizer,
  rowTokenizer,
} from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { queuePerplexity } from "../eval/perplexity.ts";
import { encodeTask } from "../eval/tasks/encode.ts";
import { readTasks } from "../eval/tasks/read.ts";
import type { TaskScores } from "../eval/tasks/report.ts";
import { adapterFolder, baseOf } from "../adapters/saved.ts";
import { openModel } from "../inference/open.ts";
import { openTuned } from "../tune/cache.ts";
import { parseBudget } from "../forgetting/budget.ts";
import { reportPage } from "../forgetting/page/page.ts";
import { ForgettingMeter } from "../forgetting/measure.ts";
import { forgettingReport } from "../forgetting/report/report.ts";
import { describeDomain, type Domain, splitRetention } from "../forgetting/text/retention.ts";
import { retentionText } from "../forgetting/text/samples.ts";
import { screen } from "../forgetting/report/screen.ts";
import { describeFailed, requireDocuments } from "../forgetting/select/certify.ts";
import { selectAndCertify } from "../forgetting/select/result.ts";
import { putAt, strengthsOf, takeSnapshot } from "../forgetting/select/strength.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import { LossProgram } from "../models/loss_program.ts";
import {
  documentHash,
  documentSketch,
  NOTHING_SEEN,
  type SeenDocuments,
  seenTogether,
} from "../objectives/documents.ts";
import { permutation } from "../random.ts";
import { documentsSeenBy, writeDocuments } from "../runs/documents.ts";
import { writeReport } from "../runs/folder.ts";
import { attemptsOf } from "../runs/history/attempts.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import {
  CERTIFYING_FLAGS,
  certifyingSettings,
  countedWhere,
  NOT_CERTIFIED,
} from "./lib/certifying.ts";
import { fetchFolder } from "./lib/hub.ts";
import { QUANTIZE_FLAG, quantizeOf } from "./lib/quantize.ts";
import { answer, say } from "./lib/term.ts";
import { scoreSaid } from "./tasks/models.ts";
import { entriesOf } from "./tasks/specs.ts";
import { tableLines } from "./tasks/table.ts";

const COMMAND: Command = {
  usage: "guard ADAPTER --out DIR [--text FILE[,FILE]] [--budget ppl:2%] [--data ROWS]",
  summary:
    "Scales an adapter, made here or elsewhere, so that no more than a budget is forgotten, " +
    "certifies it on text that nothing else has touched, and writes it with its report. Nothing " +
    "is trained.",
  flags: {
    text: { type: "string", help: "what must not be forgotten; without files the base writes it" },
    budget: { type: "string", help: "what may be forgotten; ppl:2% by default" },
    out: { type: "string", help: "folder of the scaled adapter and its report" },
    data: { type: "string", help: "rows of the task to compare strengths by; else the strongest" },
    template: { type: "string", help: "template of the rows" },
    base: { type: "string", help: "base model; the one that the adapter names by default" },
    ...QUANTIZE_FLAG,
    ...CERTIFYING_FLAGS,
    tasks: {
      type: "string",
      many: true,
      help: "what base and result answer at the end, as in eval, such as builtin:refusal",
    },
    "max-tokens": { type: "string", help: "most tokens of an answer to --tasks" },
    json: { type: "boolean", help: "print the report as one JSON object" },
  },
  positionals: [1, 1],
  config: false,
};

/** What hashes of documents alone do not find. */
const NEARLY =
  "guard: the run of the adapter left no sketches of all that it was trained on; other text that " +
  "nearly repeats it is left out only where --data names those rows";

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const { positionals: [given], flags } = parsed;
  const { out } = flags;
  if (out === undefined) throw new ConfigError(`Found no --out, wanted one: ${COMMAND.usage}`);
  const folder = adapterFolder(await fetchFolder(given!, "adapter"));
  const base = await fetchFolder(flags["base"] ?? baseOf(folder), "model");
  const settings = certifyingSettings(base, flags);
  const quantize = quantizeOf(flags);
  refuseOccupied(out);
  const asked = await readTasks(entriesOf(parsed));
  const seen = documentsSeenBy(folder);
  const attempts = settings.history ? attemptsOf(countedWhere(folder, out), out, say) : null;

  using device = await openTuned({}, say);
  using open = openModel(device, base, folder, { quantize, say });
  const { engine, model, adapt } = open;
  const { store } = engine;
  refuseEncoder(model, "for the guard, which measures plain text");
  const { tokens, seed, guard } = settings;
  const tokenizer = rowTokenizer(model);
  const maxTokens = Math.min(tokens, model.config.context);
  const { context } = model.config;
  const encoded = asked.map((task) => encodeTask(task, tokenizer, { context }));
  const rows = await loadTask(settings.data, tokenizer, maxTokens);
  const task = Array.from(permutation(rows.length, seed), (i) => rows[i]!).slice(
    0,
    guard.task_rows,
  );
  const budgets = parseBudget(guard.budget);
  const { text, samples: count } = guard;
  const domains = splitRetention(tokenizer, {
    documents: await retentionText(engine, model, {
      ...{ text, budgets, count, maxTokens, seed, say },
    }),
    ...{ budgets, held: guard.documents, seed, trainTokens: null, maxTokens, task: rows },
    ...{ vocabSize: model.config.vocabSize, seen },
  });
  for (const domain of domains) say(describeDomain(domain));
  if (seen.complete && !seen.sketched && settings.data.length === 0) say(NEARLY);
  const certifying = domains.flatMap(({ hashes }) => hashes.certificate);
  requireDocuments(domains, guard);
  const failed = attempts?.failed(certifying) ?? 0;
  for (const line of describeFailed(domains, guard, failed)) say(line);
  const options = { T: tokens, adapt };
  const programs = {
    tuned: await LossProgram.open(engine, model, options),
    both: await LossProgram.open(engine, model, { ...options, loss: "kl" }),
  };
  say("guard: selecting and certifying");
  const control = await ForgettingMeter.open(programs, domains, "control");
  const snapshot = await takeSnapshot(store);
  const found = await control.measure();
  const spent = Math.max(...found.map(({ mean }, i) => mean / domains[i]!.budget.epsilon));
  const place = { model, store, base: (param: string) => open.adapter!.base(param) };
  const put = (strength: number) => putAt(place, snapshot, strength);
  const result = await selectAndCertify({
    programs,
    domains,
    control,
    metric: null,
    certificate: guard,
    attempts,
    params: () => snapshot,
    task: {
      rows: task,
      async queue() {
        const { result } = await queuePerplexity(programs.tuned, task);
        return { result: result.then(({ nll }) => nll) };
      },
    },
    candidates: [{ step: 0, spent }],
    strengths: strengthsOf(model),
    put: (_step, strength) => put(strength),
  });
  for (const { compiled } of Object.values(programs)) compiled.destroy();
  put(result.strength);
  const scores = encoded.length === 0 ? [] : await scoreSaid(open, encoded, { seed, result: null });
  const { budget, delta, strict } = guard;
  const report = forgettingReport({
    ...{ budget, delta, strict, domains, result, task, text, history: [], rollbacks: 0 },
    trainedBy: seen.complete ? "a run" : "nobody known",
    taskFrom: flags["data"] ?? "",
    taskUnit: "nats a token",
    decode: (ids) => model.tokenizer.decode(ids),
    tasks: scores,
  });
  writePeft(out, atScaling(readPeft(folder), result.strength, engine, model));
  writeDocuments(out, seenTogether([seen, usedHere(domains, task, tokenizer)]));
  writeReport(out, {
    name: "forgetting",
    data: report,
    page: (...of) => reportPage(report, ...of),
  });
  if (flags["json"]) answer(JSON.stringify(report));
  else {for (const line of [...screen(report), ...shownScores(scores), `saved       ${out}`]) {
      answer(line);
    }}
  return report.certified ? 0 : NOT_CERTIFIED;
}

const shownScores = (scores: readonly TaskScores[]): string[] =>
  scores.length === 0 ? [] : ["", ...tableLines(scores), ""];

/** What documents have been used for here. */
const usedHere = (
  domains: readonly Domain[],
  task: readonly Example[],
  tokenizer: RowTokenizer,
): SeenDocuments => ({
  ...NOTHING_SEEN,
  sketches: task.map((row) => documentSketch(row, tokenizer)),
  hashes: {
    train: [],
    compare: task.map((row) => documentHash(row, tokenizer)),
    control: domains.flatMap(({ hashes }) => hashes.control),
    certificate: domains.flatMap(({ hashes }) => hashes.certificate),
    probe: domains.flatMap(({ hashes }) => hashes.probe),
  },
});

/** The rows of the task. */
async function loadTask(
  entries: readonly DataEntry[],
  tokenizer: RowTokenizer,
  maxTokens: number,
): Promise<Example[]> {
  const rows: Example[] = [];
  for (const entry of entries) {
    rows.push(...(await loadExamples(entry, tokenizer, { maxTokens })).examples);
  }
  return rows;
}
