/** Processes by MPI, with each libmpi of this machine: the bits of one process, and how they end. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { grantsOf } from "../../src/cli/permissions/grants.ts";
import { findMpi } from "../../src/distributed/mpi/library.ts";
import { exists, writeJson } from "../../src/io/files.ts";
import { withEnv } from "../cli/capture.ts";
import { Toy } from "../train/toy.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** How each library starts so many ranks, and the variable of its launcher. */
const STARTS = {
  OMPI_COMM_WORLD_SIZE: (size: number) => [
    ...["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"],
    ...["-n", String(size)],
  ],
  PMI_SIZE: (size: number) => ["mpirun.mpich", "-n", String(size)],
};

const onPath = (name: string) =>
  (Deno.env.get("PATH") ?? "").split(":").some((folder) => exists(join(folder, name)));

/** Two updates of two micro-batches. */
const TRAIN = { steps: 2, partial_sums: 2 };

/** Trains by the command, as as many ranks as have flags of their own. */
async function start([command, ...launch]: string[], flags: string[][]) {
  const rank = (more: string[]) => [
    ...[Deno.execPath(), "run", "--no-prompt", "-RWESN", "--allow-ffi", "--no-check"],
    ...[MAIN, "train", ...more],
  ];
  const [first, ...others] = flags;
  const args = [
    ...launch,
    ...rank(first!),
    ...others.flatMap((more) => [":", "-n", "1", ...rank(more)]),
  ];
  const { code, stdout, stderr } = await new Deno.Command(command!, {
    args,
    env: { NO_COLOR: "1", XDG_RUNTIME_DIR: "/tmp" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

for (const [variable, of] of Object.entries(STARTS)) {
  const [launcher] = of(1);
  const ignore = !onPath(launcher!); // no such MPI is installed here
  Deno.test({ name: `${launcher}: 2 processes make the bits of one`, ignore }, async () => {
    using toy = new Toy();
    await toy.train("alone", { train: TRAIN });
    const config = toy.path("config.json");
    writeJson(config, { ...toy.values("shared", { train: TRAIN }), distributed: "mpi" });
    const { code, stdout, stderr } = await start(of(2), [[config]]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(toy.adapter("shared"), toy.adapter("alone"));
    assert.equal(stdout.match(/^saved /gm)?.length, 1, "rank 0 alone tells");
  });

  Deno.test(
    { name: `${launcher}: ranks that differ end in one sentence each`, ignore },
    async () => {
      using toy = new Toy();
      const config = toy.path("config.json");
      writeJson(config, { ...toy.values("shared", { train: TRAIN }), distributed: "mpi" });
      const { code, stderr } = await start(of(1), [[config], [config, "--train.lr", "0.5"]]);
      assert.notEqual(code, 0);
      const faults = stderr.split("\n").filter((line) => line.startsWith("error: "));
      const sentence =
        "Ranks disagree: train.lr is 0.01 in rank 0 and 0.5 in rank 1, wanted the same in all";
      assert.deepEqual(
        faults.filter((line) => !line.includes("XDG_RUNTIME_DIR")).sort(),
        [`error: ${sentence}`, `error: rank 1: ${sentence}`],
      );
      assert.ok(!exists(toy.path("shared")));
    },
  );

  Deno.test(
    { name: `${launcher}: a command may load its libmpi, and only if asked to`, ignore },
    async () => {
      using toy = new Toy();
      const config = toy.path("config.json");
      writeJson(config, toy.values("run"));
      await withEnv({ [variable]: "2" }, async () => {
        const grants = (...args: string[]) => grantsOf(["train", config, ...args], "0a1b2c3d");
        assert.deepEqual((await grants()).ffi, []);
        const { ffi, read, env } = await grants("--distributed", "mpi");
        assert.deepEqual(ffi, [findMpi()]);
        assert.ok(read.includes(findMpi()!));
        assert.ok(env.includes(variable));
        assert.deepEqual(
          (await grantsOf(["plan", config, "--distributed", "mpi"], "0a1b2c3d")).ffi,
          [],
        );
      });
    },
  );
}

Deno.test("without --allow-ffi nothing is loaded, and one sentence says so", async () => {
  using toy = new Toy();
  const config = toy.path("config.json");
  writeJson(config, { ...toy.values("run"), distributed: "mpi" });
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-RWESN", "--no-check", MAIN, "train", config],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(code, 2);
  assert.match(new TextDecoder().decode(stderr), /^error: Found no libmpi .* may be loaded/m);
});
