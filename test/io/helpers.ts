import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FileError } from "../../src/errors.ts";
import { encodeUtf8 } from "../../src/io/files.ts";

/** The test material handed to developers, which is no part of the project. */
export const sharedData = fileURLToPath(new URL("../../../shared/data/", import.meta.url));

/** Whether a test of {@linkcode sharedData} has to be skipped; says so once. */
export const noSharedData = isMissing(sharedData);
if (noSharedData) console.error(`Tests that need ${sharedData} are skipped: it is absent`);

/** Runs `action` with the path of an empty folder, which is removed afterwards. */
export function withFolder(action: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    action(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Asserts that `action` throws a FileError, one sentence whose text has all of `parts`. */
export function assertFileError(action: () => unknown, ...parts: string[]): void {
  assert.throws(action, (fault: Error) => {
    assert.ok(fault instanceof FileError, `wanted a FileError, found ${fault.stack}`);
    for (const part of parts) {
      assert.ok(fault.message.includes(part), `"${part}" is not in: ${fault.message}`);
    }
    assert.doesNotMatch(fault.message, /\.$|\n/);
    return true;
  });
}

/** The names in a folder, sorted, temporary ones included. */
export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Writes `values` as JSON files by name into a new folder below `parent` and returns its path. */
export function folderOf(parent: string, name: string, values: Record<string, unknown>): string {
  const folder = join(parent, name);
  Deno.mkdirSync(folder, { recursive: true });
  for (const [file, value] of Object.entries(values)) {
    Deno.writeTextFileSync(join(folder, file), JSON.stringify(value));
  }
  return folder;
}

/** The bytes of a safetensors file: length, header, data, none of them checked. */
export function safetensorsBytes(header: string, dataBytes: number): Uint8Array<ArrayBuffer> {
  const json = encodeUtf8(header);
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

function isMissing(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch {
    return true;
  }
}
