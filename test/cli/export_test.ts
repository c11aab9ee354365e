import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { columnsOf, readImportance } from "../../src/export/gguf/importance.ts";
import { openGguf } from "../../src/io/gguf/reader.ts";
import { writeTinyAdapter } from "../models/tiny.ts";
import { main } from "../../src/cli/commands.ts";
import { capture } from "./capture.ts";

const base = fileURLToPath(new URL("../../configs/quickstart/base", import.meta.url));

Deno.test("export writes a model, a merged model and an adapter for llama.cpp", async () => {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const adapter = join(parent, "adapter");
    writeTinyAdapter(adapter, base);
    const write = (given: string, format: string, type: string) => {
      const out = join(parent, `${format} ${type}.gguf`);
      return capture(
        (args) => main(args),
        "export",
        given,
        "--format",
        format,
        "--type",
        type,
        "--out",
        out,
        "--json",
      );
    };
    const model = await write(base, "gguf", "q8_0");
    assert.equal(model.code, 0, model.stderr);
    assert.equal(JSON.parse(model.stdout).tensors, 20);
    const merged = await write(adapter, "gguf", "F32");
    assert.equal(merged.code, 0, merged.stderr);
    const lora = await write(adapter, "gguf-lora", "F16");
    assert.equal(lora.code, 0, lora.stderr);
    using file = openGguf(join(parent, "gguf-lora F16.gguf"));
    assert.equal(file.metadata.get("general.type"), "adapter");

    const out = join(parent, "served.gguf");
    const served = ["export", base, "--format", "gguf", "--out", out, "--template", "chatml"];
    const withModelfile = await capture((args) => main(args), ...served, "--modelfile");
    assert.equal(withModelfile.code, 0, withModelfile.stderr);
    const beside = Deno.readTextFileSync(join(parent, "served.Modelfile"));
    assert.match(beside, /^FROM \.\/served\.gguf\nTEMPLATE """.*<\|im_start\|>/);
    const stray = await capture((args) => main(args), ...served);
    assert.equal(stray.code, 2);
    assert.match(stray.stderr, /--template, wanted it with --modelfile/);

    const without = await write(base, "gguf-lora", "F32");
    assert.equal(without.code, 2);
    assert.match(without.stderr, /wanted an adapter/);
    const unknown = await write(base, "onnx", "F32");
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /--format onnx, wanted gguf/);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
});

Deno.test("export certifies the file that it wrote, rounded by what it read of the same text", async () => {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const [adapter, text] = [join(parent, "adapter"), join(parent, "keep.jsonl")];
    const [out, log] = [join(parent, "mine.gguf"), join(parent, "mine.certificate.json")];
    writeTinyAdapter(adapter, base, 0.02);
    const rows = Deno.readTextFileSync(join(base, "../retention.jsonl")).trim().split("\n")
      .slice(0, 60).map((line) => ({ text: JSON.parse(line).text.split(/(?<=\.)/)[0] }));
    Deno.writeTextFileSync(text, rows.map((row) => JSON.stringify(row)).join("\n"));
    const write = (...flags: string[]) =>
      capture(
        (args) => main(args),
        ...["export", adapter, "--format", "gguf", "--type", "q4_k_m", "--out", out, ...flags],
      );
    const budget = ["--text", text, "--budget", "ppl:100%"];
    const { code, stdout, stderr } = await write(...budget, "--imatrix", text);
    assert.equal(code, 0, stderr);
    const certificate = JSON.parse(Deno.readTextFileSync(log));
    const { file, made_of, domains: [domain], statement, attempt, independent } = certificate;
    const hash = await crypto.subtle.digest("SHA-256", Deno.readFileSync(out));
    assert.equal(file.sha256, new Uint8Array(hash).toHex());
    assert.equal(file.bytes, Deno.statSync(out).size);
    assert.equal(file.type, "Q4_K_M");
    assert.ok(certificate.certified && domain.certificate.upper < Math.log(2));
    assert.ok(Math.abs(domain.certificate.shift) < 0.1 && domain.before_rounding.shift < 0.01);
    assert.deepEqual(attempt, { number: 1, failed_before: 0, level: 0.05 * 2 / 3 });
    assert.deepEqual(made_of.importance, ["keep.jsonl"]);
    assert.ok(made_of.kept > 0.5 && made_of.kept < 1.5);
    assert.equal(independent, false, "nobody knows what the adapter was trained on");
    assert.match(stdout, /mine\.gguf forgets at most \+\d/);
    assert.ok(stdout.includes(statement) && stdout.includes(`SHA-256 ${file.sha256}`));
    assert.match(
      stderr,
      /all: 24 documents to train on, 9 to control by, 18 to certify, 4 to show, left out: 5/,
    );
    const read = readImportance(join(parent, "mine.imatrix.gguf"));
    assert.equal(read.sums.size, 14);
    assert.ok(columnsOf(read, "blk.1.ffn_down.weight", 320)!.every((x) => x > 0));

    const refused = async (wanted: number, what: RegExp, ...flags: string[]) => {
      const { code, stderr } = await write(...flags);
      assert.match(stderr, what);
      assert.equal(code, wanted);
    };
    await refused(2, /Cannot write .*mine\.gguf: it is there already/, ...budget);
    Deno.removeSync(out);
    await refused(2, /Cannot write .*mine\.certificate\.json: it is there already/, ...budget);
    Deno.removeSync(log);
    await refused(2, /Found --strict, wanted it with --budget only/, "--text", text, "--strict");
    await refused(2, /Found --budget kl:0\.02, wanted ppl: for a file/, "--budget", "kl:0.02");
    const narrow = ["--text", text, "--budget", "ppl:0.1%", "--strict"];
    await refused(1, /found 1?\d\d? documents to certify ppl:0\.1% by, wanted at least/, ...narrow);
    await refused(1, /no\.gguf/, "--imatrix", "no.gguf");
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
});
