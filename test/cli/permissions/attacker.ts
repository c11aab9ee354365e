/**
 * A program that tries what no command may do, in the worker of a command: what code from a template,
 * a dataset or a hub could try if there were a way to run any. It writes which attempts came through to
 * the file of its first argument; the second names a folder that a stranger has put its files into.
 */
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Job } from "../../../src/cli/permissions/confine.ts";
import { attempts, type Place } from "./attempts.ts";

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(code: number): void;
};

scope.onmessage = async ({ data: { args: [results, folder, port] } }) => {
  const place: Place = { folder: folder!, port: Number(port) };
  const came: string[] = [];
  for (const [name, attempt] of Object.entries({ ...attempts, ...byNode, ...byWorker })) {
    try {
      await attempt(place);
      came.push(name);
    } catch (fault) {
      if (!/\bRequires \w+ access|requires unscoped/.test(String(fault))) {
        came.push(`${name}: ${fault}`);
      }
    }
  }
  Deno.writeTextFileSync(results!, JSON.stringify(came));
  scope.postMessage(0);
};

const byNode: typeof attempts = {
  "read by node:fs": ({ folder }) => readFileSync(join(folder, "secret.txt")),
  "link by node:fs": ({ folder }) => symlinkSync("/", join(folder, "link")),
  "open a database": ({ folder }) => new DatabaseSync(join(folder, "secret.sqlite")),
  "see a variable by node:process": () => process.env["GRAFT_TEST_SECRET"],
};

const byWorker: typeof attempts = {
  "read in a worker": ({ folder }) =>
    new Promise((resolve, reject) => {
      const path = JSON.stringify(join(folder, "secret.txt"));
      const text = `require("node:worker_threads").parentPort.postMessage(
        (() => { try { return Deno.readTextFileSync(${path}); } catch { return null; } })())`;
      const worker = new Worker(text, { eval: true });
      worker.on("message", (found) => {
        if (found === null) reject(new Error("Requires read access"));
        else resolve(found);
      });
      worker.on("error", (fault) => reject(fault));
    }),
};
