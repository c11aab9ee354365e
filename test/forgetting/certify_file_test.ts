import assert from "node:assert/strict";
import type { Example } from "../../src/data/mod.ts";
import {
  certifyFile,
  type FileTest,
  type Nats,
} from "../../src/forgetting/exported/certify_file.ts";
import { describeFile, fileCertificate } from "../../src/forgetting/exported/report.ts";
import { levelAfter } from "../../src/forgetting/select/spending.ts";
import { parseBudget } from "../../src/forgetting/budget.ts";
import type { Domain } from "../../src/forgetting/text/retention.ts";
import { noise } from "../harness.ts";

const TOKENS = 20;
const DELTA = 0.05;

/** Documents of one block each, of the same length. */
const blocks = (count: number) =>
  Array.from({ length: count }, () => {
    const ids = new Int32Array(TOKENS + 1);
    return [{ ids, labels: ids, origin: "" } as unknown as Example];
  });

const domain = {
  ...{ name: "all", budget: parseBudget("ppl:5%")[0]! },
  ...{ control: blocks(40), certificate: blocks(80), probe: blocks(2), train: [] },
  hashes: { train: [], control: [], certificate: ["a", "b"], probe: [] },
} as unknown as Domain;

/** Nats of 2 a token, raised by `rise` and a little noise of each document. */
const nats = (count: number, rise: number, seed: number): Nats =>
  [...noise(count, seed)].map((x) => new Float32Array(TOKENS).fill(2 + rise + 0.002 * x));

/** A file that needs so many nats a token more than what it is held to. */
function test(rise: number, failed = 0): { test: FileTest; ended: boolean[]; keys: string[] } {
  const [ended, keys]: [boolean[], string[]] = [[], []];
  return {
    ...{ ended, keys },
    test: {
      domains: [domain],
      certificate: { delta: DELTA, strict: false },
      attempts: {
        failed: () => failed,
        begin: ({ key }) => (keys.push(key), { number: failed + 1, failed }),
        end: (passed) => void ended.push(passed),
      },
      models: ["sha of the file", "sha of the base"],
      measure: ({ length }) => {
        assert.equal(length, 120, "control and certificate at once");
        assert.equal(keys.length, 1, "counted before the text is looked at");
        const base = nats(length, 0, 0);
        return Promise.resolve({
          ...{ base, made: nats(length, 0.01, 1) },
          ...{ beside: nats(length, 0.1, 2), file: nats(length, 0.1 + rise, 3) },
        });
      },
    },
  };
}

const report = (result: Awaited<ReturnType<typeof certifyFile>>, adapter: string | null) =>
  fileCertificate({
    file: { name: "mine.gguf", sha256: "0123", bytes: 7, type: "Q4_K_M" },
    made: { base: "base", base_sha256: "4567", adapter, importance: null, kept: 0.97 },
    ...{ budget: "ppl:5%", domains: [domain], result, delta: DELTA, strict: false },
    ...{ text: ["texts/keep.jsonl"], trainedBy: adapter === null ? "nobody" : "a run" },
  });

Deno.test("a file within the budget is certified beside the rounded base, not beside the base", async () => {
  const { test: file, ended } = test(0.01);
  const result = await certifyFile(file);
  assert.deepEqual(ended, [true]);
  const [{ tested, whole, made }] = result.shifts as [typeof result.shifts[0] & object];
  assert.ok(Math.abs(tested.mean - 0.01) < 1e-3, `${tested.mean}`);
  assert.ok(Math.abs(whole.mean - 0.11) < 1e-3 && Math.abs(made.mean - 0.01) < 1e-3);
  assert.equal(tested.documents.length, 80);
  const { statement, certified, domains: [told] } = report(result, "mine");
  assert.ok(certified && told!.certificate.upper < Math.log(1.05));
  assert.match(
    statement,
    /^Certified: mine\.gguf forgets at most \+\d\.\d % beside the base in a file of the same kind \(Q4_K_M\), within the budget ppl:5%, by 80 documents that the run of the adapter has neither trained on nor been controlled by, at 95 % confidence\. It is attempt 1 /,
  );
  const lines = describeFile(report(result, "mine"));
  assert.match(
    lines[0]!,
    /^forgetting: \+\d\.\d+ % of ppl:5% beside .* \(at most \+\d\.\d %, 80 documents\)$/,
  );
  assert.match(
    lines[1]!,
    /^\+11\.\d % .* as it is stored, \+\d\.\d+ % .* before anything was rounded$/,
  );
  assert.equal(lines[2], "rounding has left 97.0 % of what the adapter changes");
});

Deno.test("a file beyond the budget is not certified, and what failed before makes the test surer", async () => {
  const { test: file, ended } = test(0.06);
  const result = await certifyFile(file);
  assert.deepEqual(ended, [false]);
  const { statement, certified } = report(result, null);
  assert.equal(certified, false);
  assert.match(
    statement,
    /^Not certified: 80 documents do not prove that mine\.gguf keeps the budget ppl:5% beside the base as it is stored: what was measured is above the budget\. It is attempt 1 /,
  );
  assert.doesNotMatch(describeFile(report(result, null)).join("\n"), /at most/);
  const again = await certifyFile(test(0.01, 3).test);
  assert.equal(again.certificate.level, levelAfter(3, DELTA));
  assert.ok(again.certificate.level < result.certificate.level);
});

Deno.test("the same file is the same test, another is another", async () => {
  const keyOf = async (models: string[]) => {
    const { test: file, keys } = test(0.01);
    await certifyFile({ ...file, models });
    return keys[0];
  };
  assert.equal(await keyOf(["a", "b"]), await keyOf(["a", "b"]));
  assert.notEqual(await keyOf(["a", "b"]), await keyOf(["c", "b"]));
});
