import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../../src/errors.ts";
import { type DownloadProgress, type HubSettings, locate } from "../../../src/io/hub/mod.ts";
import { writeTinyLlama } from "../../models/tiny.ts";
import { FakeHub } from "./fake_hub.ts";

export const REPO = "tiny/llama";

/** A hub with a tiny model, and an empty cache. */
export class World implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  readonly hub = new FakeHub();
  readonly model = join(this.folder, "model");
  readonly commit: string;
  readonly said: string[] = [];
  readonly progress: DownloadProgress[] = [];

  constructor() {
    writeTinyLlama(this.model);
    this.commit = this.hub.repos.commitFolder(REPO, this.model);
  }

  get cache(): string {
    return join(this.folder, "cache/models--tiny--llama");
  }

  get weights(): Uint8Array {
    return Deno.readFileSync(join(this.model, "model.safetensors"));
  }

  settings(more: Partial<HubSettings> = {}): HubSettings {
    return {
      endpoint: this.hub.endpoint,
      token: undefined,
      offline: false,
      cache: join(this.folder, "cache"),
      patience: 10_000,
      ...more,
    };
  }

  locate(place = REPO, more: Partial<HubSettings> = {}, kind: "model" | "adapter" = "model") {
    return locate(place, kind, {
      settings: this.settings(more),
      say: (line) => void this.said.push(line),
      onProgress: (progress) => void this.progress.push(progress),
    });
  }

  async refuses(wanted: string | RegExp, place = REPO, more: Partial<HubSettings> = {}) {
    await assert.rejects(this.locate(place, more), (fault: Error) => {
      assert.ok(fault instanceof FileError, fault.stack);
      assert.doesNotMatch(fault.message, /\.$|\n/);
      if (typeof wanted === "string") assert.equal(fault.message, wanted);
      else assert.match(fault.message, wanted);
      return true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}
