/**
 * How likely the answers of a run are under its reference, measured once where rows come again: it
 * does not change. It is kept on the disk for runs on the same rows.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { countSupervised, type Example, lengthOf, sidesOf } from "../../data/mod.ts";
import { isInAll } from "../../distributed/dealing.ts";
import { FileError } from "../../errors.ts";
import { queueDocuments } from "../../eval/documents.ts";
import { cacheFolder } from "../../io/cache.ts";
import { exists, isDenied, readBytes, writeAll, writeFile } from "../../io/files.ts";
import { modelFingerprint } from "../../io/fingerprint.ts";
import { makeFolder } from "../../io/folders.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import type { RunContext } from "../objective.ts";
import type { ReferenceModel } from "./reference_model.ts";

/** Rows that are packed together; they do not depend on what is trained, so that numbers do not. */
const TOGETHER = 256;

/** Bytes of a hash by which documents are known. */
const KNOWN_BY = 16;

/** What is measured, and with what. */
type Measured = Pick<RunContext, "model" | "rows" | "measured" | "log" | "graph">;

/** Log-likelihoods of answers under a reference, by the documents that they are in. */
export class Reference {
  private constructor(private readonly nats: ReadonlyMap<string, number>) {}

  /**
   * Measures all answers of a run, unless they lie in the cache. What lies there is of the same base
   * and adapter, the same rows in the same order and the same size of micro-batches, and its beginning
   * is measured again: it has to come out bit by bit.
   */
  static open(context: Measured, reference: ReferenceModel): Promise<Reference> {
    return reference.with(context.graph.T, async (program) => {
      const rows = await rowsOf(context);
      const path = fileOf(context, reference, rows);
      const first = await measure(program, rows.slice(0, TOGETHER));
      const known = readKept(path, rows.flatMap(sidesOf).length, first);
      const kept = await isInAll(known !== null) ? known : null;
      const nats = kept ?? Float64Array.from([...first, ...await measureRest(program, rows)]);
      if (!kept) keep(path, nats, context.log);
      context.log(
        `reference   ${nats.length} answers under ${reference.name}, ` +
          (kept ? "known from a run before" : "measured once"),
      );
      const names = rows.flatMap(sidesOf).map(nameOf);
      return new Reference(new Map(names.map((name, i) => [name, nats[i]!])));
    });
  }

  /**
   * The log-likelihood of a document's answer.
   *
   * @throws {RangeError} for a document that is none of the run's.
   */
  of(side: Example): number {
    const nats = this.nats.get(nameOf(side));
    if (nats !== undefined) return nats;
    throw new RangeError(`${side.origin}: found no likelihood under the reference, wanted one`);
  }
}

/** All rows that a run measures, without those that were left out. */
async function rowsOf({ rows: { examples }, measured }: Measured): Promise<Example[]> {
  const indices = Array.from({ length: examples.length }, (_, i) => i);
  await examples.arrived?.(indices);
  return [...indices.map((i) => examples.at(i)!), ...measured].filter((row) => lengthOf(row) > 0);
}

/** The sums over the tokens of each answer. A sync point. */
async function measure(program: LossProgram, rows: readonly Example[]): Promise<number[]> {
  if (rows.length === 0) return [];
  const found = await (await queueDocuments(program, rows)).result;
  return found.flatMap((losses, i) => {
    let row = 0;
    return sidesOf(rows[i]!).map((side) => {
      let nats = 0;
      for (const end = row + countSupervised(side); row < end; row++) nats -= losses[row]!;
      return nats;
    });
  });
}

async function measureRest(program: LossProgram, rows: readonly Example[]): Promise<number[]> {
  const found: number[] = [];
  for (let at = TOGETHER; at < rows.length; at += TOGETHER) {
    found.push(...await measure(program, rows.slice(at, at + TOGETHER)));
  }
  return found;
}

/** A name of what a document holds. */
function nameOf({ ids, labels }: Example): string {
  const hash = createHash("sha256").update(`${ids.length}\n`);
  for (const { buffer, byteOffset, byteLength } of [ids, labels]) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest().subarray(0, KNOWN_BY).toString("base64");
}

/** Where the numbers of a reference and of rows are kept. */
function fileOf(
  { model, graph: { T } }: Measured,
  { fingerprint }: ReferenceModel,
  rows: readonly Example[],
): string {
  const hash = createHash("sha256").update(`${modelFingerprint(model.folder)}\n${T}\n`);
  hash.update(fingerprint);
  for (const side of rows.flatMap(sidesOf)) hash.update(nameOf(side));
  return join(cacheFolder(), "reference", `${hash.digest("hex").slice(0, 32)}.f64`);
}

/** What is kept, where it is whole and begins as it was measured now; null where it is not. */
function readKept(
  path: string,
  count: number,
  first: readonly number[],
): Float64Array<ArrayBuffer> | null {
  try {
    if (!exists(path)) return null;
    const { buffer, byteLength } = readBytes(path);
    if (byteLength !== 8 * count) return null;
    const nats = new Float64Array(buffer);
    return first.every((value, i) => Object.is(value, nats[i])) ? nats : null;
  } catch (fault) {
    if (fault instanceof FileError || isDenied(fault)) return null;
    throw fault;
  }
}

/** Keeps numbers for runs to come; one that may not, or has no room, goes on without. */
function keep(path: string, nats: Float64Array<ArrayBuffer>, log: (line: string) => void): void {
  try {
    makeFolder(dirname(path));
    writeFile(path, (file) => writeAll(file, new Uint8Array(nats.buffer)));
  } catch (fault) {
    if (!(fault instanceof FileError) && !isDenied(fault)) throw fault;
    log(`reference   not kept for other runs: ${(fault as Error).message}`);
  }
}
