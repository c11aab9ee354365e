/**
 * `deno task ranks`: tables of how well an update is shared by many ranks, by the formula of `distributed/simulation.ts`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { ConfigError } from "../../errors.ts";
import { FORMULA, updateSeconds } from "../../distributed/simulation.ts";
import { answer } from "../lib/term.ts";

/** The constants as they were measured; docs/distributed.md says where. */
const OPTIONS = {
  alpha: { type: "string", default: "15e-6" },
  overhead: { type: "string", default: "5e-6" },
  gbit: { type: "string", default: "1,10,100,400" },
  host: { type: "string", default: "15" },
  gamma: { type: "string", default: "1.2e9" },
  compute: { type: "string", default: "1,10" },
  spread: { type: "string", default: "0.03" },
  wait: { type: "string", default: "0.022" },
  bus: { type: "string", default: "0.7e9" },
  local: { type: "string" },
  megabytes: { type: "string", default: "1,10,100,500" },
  ranks: { type: "string", default: "2,8,64,512,4096" },
} as const;

/** The value of an option: positive numbers with commas between them. */
function numbersOf(name: string, text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.every((number) => number > 0 && Number.isFinite(number))) return numbers;
  throw new ConfigError(
    `Found --${name} ${text}, wanted positive numbers with commas between them`,
  );
}

type Options =
  & Readonly<Record<Exclude<keyof typeof OPTIONS, "local">, readonly number[]>>
  & { readonly local?: readonly number[] };

function tables(options: Options): string {
  const one = (name: keyof typeof OPTIONS) => options[name]![0]!;
  const local = options.local?.[0];
  const lines = [FORMULA];
  for (const compute of options.compute) {
    lines.push("", `efficiency in percent, ${compute} s of micro-batches an update and rank:`, "");
    lines.push(`| MB | Gbit/s | ${options.ranks.map((n) => `${n} ranks`).join(" | ")} |`);
    lines.push(`| ---: | ---: |${options.ranks.map(() => " ---: |").join("")}`);
    for (const megabytes of options.megabytes) {
      for (const gbit of options.gbit) {
        const bytes = 1e6 * megabytes;
        const work = {
          ...{ compute, spread: one("spread"), wait: one("wait"), bus: one("bus"), bytes },
          ...(local !== undefined && { local }),
        };
        const beta = Math.min(gbit, one("host")) * 1e9 / 8;
        const net = { alpha: one("alpha"), overhead: one("overhead"), beta, gamma: one("gamma") };
        const shares = options.ranks.map((n) =>
          (100 * compute / updateSeconds(n, work, net)).toFixed(0)
        );
        lines.push(`| ${megabytes} | ${gbit} | ${shares.join(" | ")} |`);
      }
    }
  }
  return lines.join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({ args: Deno.args, options: OPTIONS });
  const numbers = Object.entries(values).map(([name, text]) => [name, numbersOf(name, text)]);
  answer(tables(Object.fromEntries(numbers)));
}
