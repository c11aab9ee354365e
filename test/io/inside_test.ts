/** No file of a checkpoint may link out of its folder; the links of the Hub's cache may. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readChatFacts } from "../../src/data/templates/chat_facts.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import { pathInside } from "../../src/io/inside.ts";
import { loadTokenizer } from "../../src/io/tokenizer/tokenizer.ts";
import { writeTinyLlama } from "../models/tiny.ts";
import { assertFileError, folderOf, namesIn, withFolder } from "./helpers.ts";

/** Moves a file of a model out of its folder and leaves a link to it. */
function linkOut(parent: string, name: string): { model: string; link: string } {
  const model = join(parent, "model");
  writeTinyLlama(model);
  const [link, outside] = [join(model, name), join(parent, "outside")];
  Deno.renameSync(link, outside);
  Deno.symlinkSync(outside, link);
  return { model, link };
}

for (const name of ["config.json", "model.safetensors"]) {
  Deno.test(`openCheckpoint() refuses a ${name} that links out`, () =>
    withFolder((parent) => {
      const { model, link } = linkOut(parent, name);
      assertFileError(() => openCheckpoint(model), `${link}: it links out of the folder to`);
    }));
}

for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
  Deno.test(`loadTokenizer() refuses a ${name} that links out`, () =>
    withFolder((parent) => {
      const { model, link } = linkOut(parent, name);
      assertFileError(() => loadTokenizer(model), `${link}: it links out of the folder to`);
    }));
}

Deno.test("readChatFacts() refuses a chat_template.jinja that links out", () =>
  withFolder((parent) => {
    const model = join(parent, "model");
    writeTinyLlama(model);
    Deno.symlinkSync("/etc/passwd", join(model, "chat_template.jinja"));
    assertFileError(() => readChatFacts(model), "chat_template.jinja: it links out of the folder");
  }));

Deno.test("writeCheckpoint() copies no file from outside the folder that it copies from", () =>
  withFolder((parent) => {
    Deno.writeTextFileSync(join(parent, "id_rsa"), "a private key");
    const from = folderOf(parent, "from", {});
    Deno.symlinkSync("../id_rsa", join(from, "vocab.json"));
    const write = () =>
      writeCheckpoint(join(parent, "out"), { config: {}, tensors: [], copyFrom: from });
    assertFileError(write, "vocab.json: it links out of the folder to");
    assert.deepEqual(namesIn(parent), ["from", "id_rsa"]);
  }));

Deno.test("pathInside() follows links within the folder, and a folder that is a link itself", () =>
  withFolder((parent) => {
    const folder = folderOf(parent, "model", { "real.json": {} });
    Deno.symlinkSync("real.json", join(folder, "config.json"));
    Deno.symlinkSync(folder, join(parent, "alias"));
    assert.equal(pathInside(folder, "config.json"), join(folder, "config.json"));
    pathInside(join(parent, "alias"), "config.json");
    assert.equal(pathInside(folder, "none.json"), join(folder, "none.json"));
  }));

Deno.test("pathInside() follows a snapshot of the Hub's cache to blobs of its own and shared ones", () =>
  withFolder((parent) => {
    const snapshot = folderOf(parent, "hub/models--o--m/snapshots/0123", {});
    const blobs = folderOf(parent, "hub/models--o--m/blobs", { own: {} });
    const shared = folderOf(parent, "hub/blobs/ab", { abcd: {} });
    Deno.symlinkSync("../../blobs/ab/abcd", join(blobs, "linked"));
    Deno.symlinkSync("../../blobs/own", join(snapshot, "config.json"));
    Deno.symlinkSync("../../blobs/linked", join(snapshot, "model.safetensors"));
    Deno.symlinkSync(join(shared, "../../models--o--m/refs"), join(snapshot, "vocab.json"));
    folderOf(parent, "hub/models--o--m/refs", {});
    pathInside(snapshot, "config.json");
    assert.equal(Deno.readTextFileSync(pathInside(snapshot, "model.safetensors")), "{}");
    assertFileError(() => pathInside(snapshot, "vocab.json"), "vocab.json: it links out");
  }));
