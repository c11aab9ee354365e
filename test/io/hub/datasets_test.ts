import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../../src/errors.ts";
import { dataLicence, locateData, parseDatasetName } from "../../../src/io/hub/mod.ts";
import { readCard } from "../../../src/io/hub/datasets/card.ts";
import { filesOf } from "../../../src/io/hub/datasets/splits.ts";
import { World } from "./world.ts";

const SET = "me/rows";
const GOLDEN = new URL("../../golden/parquet/", import.meta.url).pathname;
const CARD = `---
license: apache-2.0
configs:
- config_name: main
  default: true
  data_files:
  - split: train
    path: main/train-*
  - {split: test, path: main/test-*}
- config_name: extra
  data_files: extra/*.jsonl
---
# Rows
`;
const FILES = {
  "README.md": CARD,
  "main/train-00000-of-00002.parquet": Deno.readFileSync(join(GOLDEN, "snappy.parquet")),
  "main/train-00001-of-00002.parquet": Deno.readFileSync(join(GOLDEN, "gzip.parquet")),
  "main/test-00000-of-00001.parquet": Deno.readFileSync(join(GOLDEN, "zstd.parquet")),
  "extra/a.jsonl": '{"text":"a"}\n',
  "../outside.jsonl": '{"text":"never"}\n',
};

/** A hub with that dataset. */
function worldOf(files: Readonly<Record<string, Uint8Array | string>> = FILES) {
  const world = new World();
  const commit = world.hub.repos.commit(`datasets/${SET}`, files);
  const locate = (place: string, more = {}) =>
    locateData(place, {
      settings: world.settings(more),
      say: (line) => void world.said.push(line),
    });
  return { world, commit, locate };
}

Deno.test("locateData() downloads a split into the shared cache, and says first how large it is", async () => {
  const { world, commit, locate } = worldOf();
  await using _ = world;
  const found = await locate(SET);
  const folder = join(world.folder, "cache/datasets--me--rows/snapshots", commit);
  assert.deepEqual(found, {
    files: [0, 1].map((i) => join(folder, `main/train-0000${i}-of-00002.parquet`)),
    pinned: `${SET}@${commit}`,
    licence: "apache-2.0",
  });
  assert.deepEqual(world.said, [
    `downloading 2 files of ${SET} at ${commit.slice(0, 12)}: 11.9 kB`,
  ]);
  assert.deepEqual(Deno.readFileSync(found!.files[1]!), FILES["main/train-00001-of-00002.parquet"]);
  assert.equal(dataLicence(found!.pinned, () => world.settings()), "apache-2.0");
  assert.equal(dataLicence(SET, () => world.settings()), null, "a branch may have moved");
  const unasked = () => assert.fail("a path asks nothing of the hub's places");
  assert.equal(dataLicence(join(world.folder, "rows.jsonl"), unasked), null);

  world.hub.takeAsked();
  const test = await locate(`${SET}@${commit}:test`);
  assert.equal(test!.pinned, `${SET}@${commit}:test`);
  world.hub.takeAsked();
  await locate(`${SET}@${commit}:main/test`);
  await locate(test!.pinned, { offline: true });
  assert.deepEqual(world.hub.takeAsked(), [], "a commit never moves");
  world.hub.mischief = { status: 503 };
  assert.deepEqual((await locate(SET))!.files, found!.files, "the cache stands in");
  assert.match(world.said.at(-1)!, /going on with commit .* from the cache/);
});

Deno.test("locateData() names the parts that there are, and what else is wrong, in one sentence", async () => {
  const { world, locate } = worldOf();
  await using _ = world;
  const refuses = (place: string, wanted: RegExp, more = {}) =>
    assert.rejects(locate(place, more), (fault: Error) => {
      assert.match(fault.message, wanted);
      return fault instanceof FileError && !/\n|\.$/.test(fault.message);
    });
  const parts = "me/rows:main/train, me/rows:main/test, me/rows:extra/train";
  await refuses(`${SET}:dev`, new RegExp(`found no part dev, wanted one of ${parts}$`));
  await refuses(`${SET}:other/train`, /found no part other\/train, wanted one of/);
  await refuses("me/none", /Cannot find me\/none: .* has no such repository/);
  await refuses(`${SET}@v9`, /v9/);
  await refuses(SET, /HF_HUB_OFFLINE is set, and .* has not all of its files/, { offline: true });
  world.hub.repos.commit("datasets/me/script", { "script.py": "" });
  await refuses(
    "me/script",
    /no files of rows, wanted some of .*@refs\/convert\/parquet has them$/,
  );
  world.hub.mischief = {
    tamper: (answer) =>
      Array.isArray(answer)
        ? answer.map((file) =>
          /train/.test(file.path) ? { ...file, size: 4e15, lfs: { ...file.lfs, size: 4e15 } } : file
        )
        : answer,
  };
  await refuses(
    SET,
    /Cannot download 2 files of me\/rows: they take 8000\.0 TB, and the disk of/,
  );
  assert.match(world.said.at(-1)!, /^downloading 2 files .*: 8000\.0 TB$/, "said before");
});

Deno.test("splits are told by names of files where the card says nothing", () => {
  const parts = (paths: string[], part?: string) =>
    filesOf({ repo: "a/b", ...(part !== undefined && { part }) }, paths, readCard("# none"));
  const shards = ["data/train_sft-00000-of-00001.parquet", "data/test_sft-00000-of-00001.parquet"];
  assert.deepEqual(parts(shards, "train_sft"), [shards[0]]);
  assert.throws(
    () => parts(shards),
    /found no part named, wanted one of a\/b:test_sft, a\/b:train_sft/,
  );
  assert.deepEqual(parts(["train.csv", "dev.csv", "readme.txt"], "validation"), ["dev.csv"]);
  assert.deepEqual(parts(["test/a.jsonl", "train/a.jsonl", "train/b.jsonl.gz"]), [
    "train/a.jsonl",
    "train/b.jsonl.gz",
  ]);
  assert.deepEqual(parts(["alpaca_data.json", "dataset_infos.json"]), ["alpaca_data.json"]);
  assert.deepEqual(parts(["x.parquet", "y.jsonl", "z.parquet"]), ["x.parquet", "z.parquet"]);
  const converted = [
    "main/test/0000.parquet",
    "main/train/0000.parquet",
    "socratic/train/0000.parquet",
  ];
  assert.deepEqual(parts(converted, "socratic/train"), [converted[2]]);
  assert.throws(() => parts(converted), /a\/b:main\/test, a\/b:main\/train, a\/b:socratic\/train/);
});

Deno.test("cards in other words", () => {
  const files = (yaml: string) => readCard(`---\n${yaml}\n---`).configs[0]?.splits;
  const train = (...patterns: string[]) => [{ split: "train", patterns }];
  assert.deepEqual(
    files("configs: [{config_name: a, data_files: '**/x.json'}]"),
    train("**/x.json"),
  );
  assert.deepEqual(
    files("configs: [{config_name: a, data_dir: d/, data_files: [x, ./y]}]"),
    train("d/x", "d/y"),
  );
  assert.deepEqual(files("configs: [{config_name: a, data_files: {train: [x]}}]"), train("x"));
  assert.deepEqual(readCard("---\nlicense: [mit, cc0-1.0]\n---").licence, "mit, cc0-1.0");
  assert.deepEqual(readCard("---\nlicense: [\n---"), { licence: null, configs: [] });
});

Deno.test("names of datasets are told from paths", () => {
  assert.deepEqual(parseDatasetName("a/b@v1:main/train"), {
    repo: "a/b",
    revision: "v1",
    part: "main/train",
  });
  assert.deepEqual(parseDatasetName("a/b"), { repo: "a/b" });
  for (
    const path of ["a/b.jsonl", "./a/b", "a/b/c", "rows", "a/b.parquet:train", "C:/a", "a/*.csv"]
  ) {
    assert.equal(parseDatasetName(path), undefined, path);
  }
});
