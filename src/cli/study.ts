/**
 * `deno task study`: experiments about the tool itself, with their tables.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { type CertificateRow, studyCertificate } from "../studies/certificate.ts";
import { type PlantedRow, studyPlanted } from "../studies/planted.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { numberOf } from "./lib/number.ts";
import { answer, say } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "study certificate [--tries 500] [--planted 2000] [--json]",
  summary:
    "Simulates whether the claims of the forgetting certificate hold, over shapes of rises and " +
    "numbers of documents, and whether it lets planted violations through where documents count " +
    "whole (strict) and attempts are repeated.",
  flags: {
    tries: { type: "string", help: "certificates of each shape and size (500)" },
    planted: { type: "string", help: "planted violations of each shape (2000)" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, 1],
  config: false,
};

/** Settings of the study: those of a run by default. */
const STUDY = {
  delta: 0.05,
  epsilon: Math.log1p(0.02),
  sizes: [32, 64, 133, 256],
  population: 20_000,
} as const;

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [name], flags } = parseArguments(COMMAND, args);
  if (name !== "certificate") throw new ConfigError(`Found study ${name}, wanted certificate`);
  const tries = numberOf(flags, "tries", 500, { least: 1, whole: true });
  const plants = numberOf(flags, "planted", 2000, { least: 1, whole: true });
  const { sizes: _, ...common } = STUDY;
  const planted = studyPlanted({
    ...common,
    tries: plants,
    onRow: ({ shape }) => say(`planted: ${shape}`),
  });
  const rows = await studyCertificate({
    ...STUDY,
    tries,
    onRow: ({ shape, documents }) => say(`${shape}, ${documents} documents`),
  });
  if (flags["json"]) answer(JSON.stringify({ ...STUDY, tries, rows, plants, planted }));
  else for (const line of [...table(rows), "", ...plantedTable(planted)]) answer(line);
  return 0;
}

const percent = (share: number) => (100 * share).toFixed(1);

const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

const HEAD = ["shape", "documents", "bound", "whole", "share", "certified", "half"];

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
