/**
 * Fuzzing: damaged files end in one sentence of the project's own, in time and in memory, and nothing
 * is written. A few hundred cases here; `deno task fuzz` takes all, `GRAFT_SEED` another seed.
 */
import assert from "node:assert/strict";
import { ConfigError, FileError } from "../../src/errors.ts";
import { Dice } from "./mutate.ts";
import { type Target, targets } from "./targets.ts";
import { Watched } from "./watched.ts";

const SEED = Number(Deno.env.get("GRAFT_SEED") ?? 16);
/** The part of all cases that is taken. */
const SHARE = Number(Deno.env.get("GRAFT_FUZZ") ?? 0.01);
/** Findings that are told of a target. */
const TOLD = 20;

/** Words of V8 that are those of a mistake in the program. */
const NATIVE =
  /Cannot (read|set) propert|Cannot (convert|destructure) |Cannot use 'in'|is not (a function|defined)|(?<! object) is not iterable|Invalid (array|typed array|string) length|Maximum call stack|Cannot mix BigInt/;

function offenceOf(fault: Error | null, { quotes = false }: Target): string | null {
  if (fault === null) return null;
  const isTyped = fault instanceof FileError || fault instanceof ConfigError;
  if (!isTyped) return `threw ${fault.stack}`;
  return NATIVE.test(fault.message) && !quotes ? `said ${fault.message}` : null;
}

function fuzz(target: Target, folder: string): Promise<string[]> {
  const watched = new Watched(folder, SHARE >= 1, target.bound);
  return watched.run(() => findings(target, watched));
}

async function findings(target: Target, watched: Watched): Promise<string[]> {
  const found: string[] = [];
  const kinds = new Set<string>();
  for (let number = 0; number < target.cases * SHARE; number++) {
    const bytes = target.damage(new Dice(SEED, number));
    const { fault, offence } = await watched.read(bytes, target.read);
    const finding = offence ?? offenceOf(fault, target);
    const kind = finding?.replace(/\d+/g, "N").slice(0, 160);
    if (kind === undefined || kinds.has(kind)) continue;
    kinds.add(kind);
    found.push(`seed ${SEED}, case ${number}: ${finding!.slice(0, 700)}`);
    if (found.length === TOLD) break;
  }
  return found;
}

const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
for (const [name, target] of Object.entries(await targets(folder))) {
  Deno.test(`${Math.round(target.cases * SHARE)} times damaged: ${name}`, async () => {
    const found = await fuzz(target, folder);
    assert.deepEqual(found, [], found.join("\n"));
  });
}
