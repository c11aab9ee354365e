/**
 * Somebody who has just cloned the repository: the clone, an empty HOME, and commands in it.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Commands that go on until they are stopped. */
const SERVERS = /^deno task (serve|watch)\b/;
const ADDRESS = /http:\/\/(?:127\.0\.0\.1|localhost)/;
/** How long a server may take until it tells its address, ms. */
const PATIENCE = 240_000;

/** What came of a command. */
export interface Ran {
  readonly printed: string;
  readonly code: number;
  readonly isFine: boolean;
  readonly seconds: number;
}

/** A clone of what is committed, and a home that is empty. */
export class Newcomer implements Disposable {
  readonly #place = Deno.makeTempDirSync({ prefix: "graft_readme_" });
  readonly clone = join(this.#place, "graft");
  readonly #env: Record<string, string>;

  constructor() {
    const { success } = new Deno.Command("git", { args: ["clone", "-q", ROOT, this.clone] })
      .outputSync();
    if (!success) throw new Error(`Cannot clone ${ROOT}`);
    const home = join(this.#place, "home");
    Deno.mkdirSync(home);
    this.#env = { ...Deno.env.toObject(), HOME: home, XDG_RUNTIME_DIR: this.#place };
    for (const name of Object.keys(this.#env)) {
      if (/^(DENO_DIR|XDG_CACHE_HOME|HF_|GRAFT_)/.test(name)) {
        Reflect.deleteProperty(this.#env, name);
      }
    }
  }

  /** The text of a file of the clone. */
  read(path: string): string {
    return Deno.readTextFileSync(join(this.clone, path));
  }

  /** Writes a file into the clone. */
  write(path: string, text: string): void {
    Deno.writeTextFileSync(join(this.clone, path), text);
  }

  /** Takes a file or a folder away, where there is one. */
  remove(path: string): void {
    try {
      Deno.removeSync(join(this.clone, path), { recursive: true });
    } catch (fault) {
      if (!(fault instanceof Deno.errors.NotFound)) throw fault;
    }
  }

  /** Runs a command line; a server until it has told its address. */
  async run(line: string): Promise<Ran> {
    const [program, ...args] = wordsOf(line);
    const isServer = SERVERS.test(line);
    const began = performance.now();
    const child = new Deno.Command(program!, {
      args,
      cwd: this.clone,
      env: this.#env,
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let printed = "";
    const stop = () => {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended.
      }
    };
    const read = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream() as never)) {
        printed += text;
        if (isServer && ADDRESS.test(printed)) stop();
      }
    };
    const timer = isServer ? setTimeout(stop, PATIENCE) : undefined;
    const [status] = await Promise.all([child.status, read(child.stdout), read(child.stderr)]);
    clearTimeout(timer);
    const isFine = status.code === 0 || (isServer && ADDRESS.test(printed));
    const seconds = (performance.now() - began) / 1000;
    return { printed, code: status.code, isFine, seconds };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#place, { recursive: true });
  }
}

/** The words of a command line as a shell parts them. */
const wordsOf = (line: string): string[] =>
  line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)!
    .map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
