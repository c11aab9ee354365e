/**
 * `deno task study`: experiments of the field on a model of one's own, and one about the tool itself.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import { didYouMean } from "../io/nearest.ts";
import { type CertificateRow, studyCertificate } from "../studies/certificate/bounds.ts";
import { type PlantedRow, studyPlanted } from "../studies/certificate/planted.ts";
import { runStudy } from "../studies/engine/engine.ts";
import { studyFiles } from "../studies/engine/folder.ts";
import { markdownOf } from "../studies/engine/table.ts";
import { studies } from "../studies/mod.ts";
import { openTuned } from "../tune/cache.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { numberOf } from "./lib/number.ts";
import { answer, dim, say } from "./lib/term.ts";

const names = [...studies.map(({ name }) => name), "certificate"];

const COMMAND: Command = {
  usage: "study NAME SPEC.json --out DIR [--files DIR] | study certificate [--tries 500]",
  summary:
    "Runs a study cell by cell; those that are done stay done, and the same command goes on. " +
    "It leaves tables, pictures, a page, summary.json, and its runs with their history.\n\n" +
    studies.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join("\n") +
    "\n  certificate  simulates whether the claims of the forgetting certificate hold, over shapes " +
    "of\n               rises and numbers of documents, and how often a planted violation passes",
  flags: {
    out: { type: "string", help: "folder of the study" },
    files: { type: "string", help: "the folder that {files} stands for in the spec" },
    only: { type: "string", help: 'only cells whose name holds this text, such as "seed 1"' },
    tries: { type: "string", help: "certificate: certificates of each shape and size (500)" },
    planted: { type: "string", help: "certificate: planted violations of each shape (2000)" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, 2],
  config: false,
};

/** Flags of one study of the two kinds. */
const FLAGS = { cells: ["out", "files", "only"], certificate: ["tries", "planted"] } as const;

/** Settings of the study of the certificate: those of a run by default. */
const CERTIFICATE = {
  delta: 0.05,
  epsilon: Math.log1p(0.02),
  sizes: [32, 64, 133, 256],
  population: 20_000,
} as const;

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [name, path], flags } = parseArguments(COMMAND, args);
  if (!names.includes(name!)) {
    const wanted = `wanted one of ${names.join(", ")}${didYouMean(name!, new Set(names))}`;
    throw new ConfigError(`Found the study ${name}, ${wanted}`);
  }
  const kind = name === "certificate" ? "certificate" : "cells";
  const idle = FLAGS[kind === "cells" ? "certificate" : "cells"].find((flag) => flag in flags);
  if (idle) throw new ConfigError(`Found --${idle}, which the study ${name} has no use for`);
  return kind === "cells" ? await runCells(name!, path, flags) : await certificate(path, flags);
}

type Flags = ReturnType<typeof parseArguments>["flags"];

async function runCells(name: string, path: string | undefined, flags: Flags): Promise<number> {
  const { out, files, only = "", json } = flags;
  if (path === undefined || out === undefined) {
    const missing = path === undefined ? "spec" : "--out";
    throw new ConfigError(`Found no ${missing}, wanted one: ${COMMAND.usage}`);
  }
  const { done, cells, findings } = await runStudy(studies.find((study) => study.name === name)!, {
    ...{ path, files, out, only },
    device: () => openTuned({}, say),
    say: (line) => say(dim(line)),
  });
  if (json) answer(JSON.stringify({ study: name, done, cells, ...findings }));
  else if (findings) answer(markdownOf(findings.tables));
  if (findings) say(`saved ${studyFiles(out).page}, ${join(out, "summary.json")}`);
  return 0;
}

async function certificate(path: string | undefined, flags: Flags): Promise<number> {
  if (path !== undefined) throw new ConfigError(`Found ${path}, but certificate takes no spec`);
  const tries = numberOf(flags, "tries", 500, { least: 1, whole: true });
  const plants = numberOf(flags, "planted", 2000, { least: 1, whole: true });
  const { sizes: _, ...common } = CERTIFICATE;
  const planted = studyPlanted({
    ...common,
    tries: plants,
    onRow: ({ shape }) => say(`planted: ${shape}`),
  });
  const rows = await studyCertificate({
    ...CERTIFICATE,
    tries,
    onRow: ({ shape, documents }) => say(`${shape}, ${documents} documents`),
  });
  if (flags["json"]) answer(JSON.stringify({ ...CERTIFICATE, tries, rows, plants, planted }));
  else for (const line of [...table(rows), "", ...plantedTable(planted)]) answer(line);
  return 0;
}

const percent = (share: number) => (100 * share).toFixed(1);

const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

const HEAD = ["shape", "documents", "bound", "chosen", "whole", "share", "certified", "half"];

/** The rows as a table of Markdown, in percent of the tries. */
function table(rows: readonly CertificateRow[]): string[] {
  return [
    line(HEAD),
    line(HEAD.map(() => "---")),
    ...rows.map((row) =>
      line([
        row.shape,
        String(row.documents),
        percent(row.missed),
        percent(row.missed_chosen),
        percent(row.missed_whole),
        percent(row.missed_beyond),
        percent(row.falsely_certified),
        percent(row.passed_at_half),
      ])
    ),
  ];
}

const PLANTED = ["shape", "documents", "above", "nothing", "counted", "uncounted"];

function plantedTable(rows: readonly PlantedRow[]): string[] {
  return [
    line(PLANTED),
    line(PLANTED.map(() => "---")),
    ...rows.map((row) =>
      line([
        row.shape,
        row.documents.toFixed(0),
        percent(row.certified),
        percent(row.passed_nothing),
        percent(row.certified_counted),
        percent(row.certified_uncounted),
      ])
    ),
  ];
}
