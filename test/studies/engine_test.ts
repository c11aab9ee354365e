/** The engine of studies: cells that are done stay done, and another spec is refused. */
import assert from "node:assert/strict";
import { join, relative, resolve } from "node:path";
import { ConfigError, StoppedError } from "../../src/errors.ts";
import { z } from "../../src/deps/zod.ts";
import type { Device } from "../../src/gpu/device.ts";
import { runStudy } from "../../src/studies/engine/engine.ts";
import { pageOf } from "../../src/studies/engine/page.ts";
import { svgOf } from "../../src/studies/engine/picture.ts";
import type { Findings, Study } from "../../src/studies/engine/study.ts";
import { markdownOf } from "../../src/studies/engine/table.ts";
import { StudyFolder } from "../../src/studies/engine/folder.ts";
import { exists } from "../../src/io/files.ts";
import { LOCK_FILE } from "../../src/io/lock.ts";
import { stoppable } from "../../src/stop.ts";
import { namesIn } from "../io/helpers.ts";

type Spec = { numbers: number[]; file?: string | undefined };

/** Squares numbers, a cell each. */
function squares(onCell: (name: string) => void = () => {}): Study<Spec, number> {
  return {
    name: "squares",
    summary: "squares",
    schema: z.strictObject({ numbers: z.array(z.number()), file: z.string().optional() }),
    plan: ({ numbers }) =>
      Promise.resolve(numbers.map((number) => ({
        name: `of ${number}`,
        run: () => {
          onCell(`of ${number}`);
          return Promise.resolve(number ** 2);
        },
      }))),
    conclude: (_spec, results) => Promise.resolve(findingsOf([...results])),
  };
}

const findingsOf = (rows: readonly (readonly [string, number])[]): Findings => ({
  tables: [{ title: "Squares", head: ["of", "square"], rows: rows.map(([n, x]) => [n, `${x}`]) }],
  pictures: [{
    name: "squares",
    title: "a < b",
    x: { label: "x", ticks: [{ at: 0, label: "0" }] },
    y: { label: "y", digits: 1 },
    lines: [{ name: "<i>", points: rows.map(([, y], x) => ({ x, y, low: y - 1, high: y + 1 })) }],
  }],
  numbers: Object.fromEntries(rows),
});

const device = () => Promise.resolve({ close() {} } as Device);

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    await use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function write(folder: string, spec: object): string {
  const path = join(folder, "spec.json");
  Deno.writeTextFileSync(path, JSON.stringify(spec));
  return path;
}

const options = (folder: string, path: string) => ({
  ...{ path, files: undefined, out: join(folder, "out"), only: "", device, say: () => {} },
});

Deno.test("a study leaves tables, pictures, a page and a summary; its cells are done once", () =>
  inFolder(async (folder) => {
    const path = write(folder, { numbers: [3, 4, 5] });
    const made: string[] = [];
    const study = squares((name) => made.push(name));
    const part = await runStudy(study, { ...options(folder, path), only: "4" });
    assert.deepEqual(part, { done: 1, cells: 3, findings: null });
    assert.deepEqual([...Deno.readDirSync(join(folder, "out"))].map(({ name }) => name).sort(), [
      "cells",
      "study.json",
    ]);
    const whole = await runStudy(study, options(folder, path));
    assert.deepEqual(made, ["of 4", "of 3", "of 5"]);
    const numbers = { "of 3": 9, "of 4": 16, "of 5": 25 };
    assert.deepEqual(whole.findings?.numbers, numbers);
    const read = (name: string) => Deno.readTextFileSync(join(folder, "out", name));
    assert.deepEqual(JSON.parse(read("summary.json")).numbers, numbers);
    assert.match(read("table.md"), /\| of \| square \|\n\| --- \| ---: \|\n\| of 3 \| 9 \|/);
    assert.match(read("squares.svg"), /^<svg [^>]*aria-label="a &lt; b"/);
    assert.match(read("index.html"), /<td>16<\/td>/);
    const refuse = () => Promise.reject(new Error("nothing is left to do"));
    await runStudy(study, { ...options(folder, path), device: refuse });
    assert.equal(made.length, 3);
  }));

Deno.test("cells are told where the study lies from the root on", () =>
  inFolder(async (folder) => {
    const path = write(folder, { numbers: [1] });
    const told: string[] = [];
    const study: Study<Spec, number> = {
      ...squares(),
      plan: (_spec, { out }) => {
        told.push(out);
        const run = (context: { out: string }) => Promise.resolve(told.push(context.out));
        return Promise.resolve([{ name: "one", run }]);
      },
    };
    const out = relative(Deno.cwd(), join(folder, "out"));
    await runStudy(study, { ...options(folder, path), out });
    assert.deepEqual(told, [resolve(out), resolve(out)]);
  }));

Deno.test("a spec, or a file that it names, that has changed is refused; cells stay", () =>
  inFolder(async (folder) => {
    const data = join(folder, "rows.jsonl");
    Deno.writeTextFileSync(data, "one");
    const path = write(folder, { numbers: [3], file: "rows.jsonl" });
    await runStudy(squares(), options(folder, path));
    const refused = async (wanted: RegExp) => {
      await assert.rejects(
        runStudy(squares(), options(folder, path)),
        (fault) => fault instanceof ConfigError && wanted.test(fault.message),
      );
      assert.ok(Deno.statSync(join(folder, "out/cells/of 3.json")).isFile);
    };
    Deno.writeTextFileSync(data, "two");
    await refused(
      /cells of other contents of rows\.jsonl; wanted the same as before, or another --out/,
    );
    Deno.writeTextFileSync(data, "one");
    write(folder, { numbers: [4], file: "rows.jsonl" });
    await refused(/cells of a spec with \[3\] in numbers, not \[4\]; wanted the same/);
    write(folder, { numbers: [3], file: "rows.jsonl" });
    await runStudy(squares(), options(folder, path));
    const other = { ...squares(), name: "cubes" };
    await assert.rejects(runStudy(other, options(folder, path)), /cells of the study squares/);
  }));

Deno.test("a study stops between cells, and cells whose fault it was are not kept", () =>
  inFolder(async (folder) => {
    const path = write(folder, { numbers: [1, 2, 3] });
    const stop = new AbortController();
    const study = squares((name) => name === "of 2" && stop.abort());
    const work = stoppable(stop.signal, () => runStudy(study, options(folder, path)));
    await assert.rejects(
      work,
      (fault) =>
        fault instanceof StoppedError && /^Stopped after 2 of the 3 cells/.test(fault.message),
    );
    const failing = squares((name) => {
      if (name === "of 3") throw new Error("no");
    });
    await assert.rejects(runStudy(failing, options(folder, path)), /^Error: no$/);
    const { findings } = await runStudy(squares(), options(folder, path));
    assert.deepEqual(findings?.numbers, { "of 1": 1, "of 2": 4, "of 3": 9 });
  }));

Deno.test("several at once share the cells: each is done once, and after those before it", () =>
  inFolder(async (folder) => {
    const numbers = [1, 2, 3, 4, 5, 6];
    const path = write(folder, { numbers });
    const [begun, said]: [string[], string[]] = [[], []];
    /** The last comes after all others. */
    const study: Study<Spec, number> = {
      ...squares(),
      plan: ({ numbers }) => {
        const name = (number: number) => `of ${number}`;
        return Promise.resolve(
          numbers.toReversed().map((number) => ({
            name: name(number),
            after: number === 6 ? numbers.slice(0, 5).map(name) : [],
            run: async ({ found }) => {
              begun.push(name(number));
              if (number < 6) await new Promise((resolve) => setTimeout(resolve, 20));
              return number < 6 ? number : found("of 5") as number + 31;
            },
          })),
        );
      },
    };
    const own = { ...options(folder, path), say: (line: string) => void said.push(line) };
    const results = await Promise.all([1, 2, 3].map(() => runStudy(study, own)));
    assert.deepEqual(begun.toSorted(), numbers.map((number) => `of ${number}`));
    assert.equal(begun.at(-1), "of 6");
    for (const { findings } of results) {
      assert.deepEqual(Object.entries(findings!.numbers!).sort(), [
        ...numbers.slice(0, 5).map((number) => [`of ${number}`, number]),
        ["of 6", 36],
      ]);
    }
    assert.ok(
      said.some((line) => /^\d cells? (is|are) left that other processes work on/.test(line)),
    );
    assert.deepEqual(namesIn(join(folder, "out/cells")), numbers.map((n) => `of ${n}.json`));
    const only = { ...own, out: join(folder, "other"), only: "6" };
    await assert.rejects(runStudy(study, only), /^ConfigError: of 6: found of 1 not done, wanted/);
  }));

Deno.test("what a killed process left is swept by who comes alone, not by who joins", () =>
  inFolder((folder) => {
    const made = { study: "squares", spec: {}, files: {} };
    using first = StudyFolder.open(folder, made);
    const left = join(folder, "cells", ".of 1.json.0123abcd.tmp");
    Deno.writeTextFileSync(left, "");
    {
      using _second = StudyFolder.open(folder, made);
      assert.ok(exists(left));
    }
    assert.ok(exists(join(folder, LOCK_FILE)));
    const claim = first.claim("of 1");
    assert.ok(claim !== null && first.claim("of 1") === null && first.claim("of 2") !== null);
    first[Symbol.dispose]();
    assert.ok(!exists(join(folder, LOCK_FILE)));
    using _third = StudyFolder.open(folder, made);
    assert.ok(!exists(left));
    return Promise.resolve();
  }));

Deno.test("{files} stands for a folder that is named on the command line", () =>
  inFolder(async (folder) => {
    Deno.writeTextFileSync(join(folder, "rows.jsonl"), "one");
    const path = write(folder, { numbers: [1], file: "{files}/rows.jsonl" });
    await assert.rejects(
      runStudy(squares(), options(folder, path)),
      /found \{files\}\/rows\.jsonl without --files/,
    );
    await runStudy(squares(), { ...options(folder, path), files: folder });
    const made = JSON.parse(Deno.readTextFileSync(join(folder, "out/study.json")));
    assert.deepEqual(Object.keys(made.files), ["{files}/rows.jsonl"]);
    assert.equal(
      made.spec.file,
      "{files}/rows.jsonl",
      "another place of the same files is as good",
    );
  }));

Deno.test("a spec with an unknown key, and two cells of a name, are refused", () =>
  inFolder(async (folder) => {
    const unknown = write(folder, { numbers: [1], colour: 2 });
    await assert.rejects(runStudy(squares(), options(folder, unknown)), /spec\.json: .*colour/);
    const twins = write(folder, { numbers: [1, 1] });
    await assert.rejects(runStudy(squares(), options(folder, twins)), /two cells of the name of 1/);
  }));

Deno.test("pages and tables escape what they are given", () => {
  const findings = findingsOf([["<b>|", 1], ["c", NaN]]);
  const page = pageOf({ name: "<n>", summary: "s" }, findings);
  assert.ok(page.includes("&lt;b&gt;") && !page.includes("<b>") && !page.includes("<i>"));
  assert.match(markdownOf(findings.tables), /<b>\\\|/);
  assert.ok(!svgOf(findings.pictures[0]!).includes("NaN"));
});
