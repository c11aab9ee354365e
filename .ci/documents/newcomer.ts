/**
 * Somebody who has just cloned the repository: the clone, an empty HOME, and commands in it.
 *
 * @module
 */
import { existsSync as exists } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Commands that go on until they are stopped. */
const SERVERS = /^deno task (serve|watch)\b/;
/** Commands that are talked to, and what is said. */
const CHATS = /^deno task chat\b/;
const TURN = "Hi!\n";
const ADDRESS = /http:\/\/(?:127\.0\.0\.1|localhost):\d+/;
/** Where a command line writes what it prints. */
const INTO = /\s>\s*([\w./]+)/;
/** The clock of processes: ticks a second. */
const TICKS = 100;
/** How long a server may take until it tells its address, ms. */
const PATIENCE = 240_000;

/** Open MPI starts nothing as root, which a container has, unless it is told twice. */
const ROOT_MAY = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };

/** What came of a command. */
export interface Ran {
  readonly line: string;
  readonly printed: string;
  readonly code: number;
  readonly isFine: boolean;
  /** On the clock, and of processors (0 where the system does not tell). */
  readonly seconds: number;
  readonly cpuSeconds: number;
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
    this.#env = { ...Deno.env.toObject(), ...ROOT_MAY, HOME: home, XDG_RUNTIME_DIR: this.#place };
    for (const name of Object.keys(this.#env)) {
      if (/^(DENO_DIR|XDG_CACHE_HOME|HF_|GRAFT_)/.test(name)) {
        Reflect.deleteProperty(this.#env, name);
      }
    }
  }

  /** Whether a program is installed. */
  has(program: string): boolean {
    const { PATH = "" } = this.#env;
    return PATH.split(":").some((folder) => exists(join(folder, program)));
  }

  /** Whether a file or folder is in the clone. */
  holds(path: string): boolean {
    return exists(join(this.clone, path));
  }

  /** The text of a file of the clone. */
  read(path: string): string {
    return Deno.readTextFileSync(join(this.clone, path));
  }

  /** Writes a file into the clone. */
  write(path: string, text: string): void {
    const file = join(this.clone, path);
    Deno.mkdirSync(dirname(file), { recursive: true });
    Deno.writeTextFileSync(file, text);
  }

  /** Takes a file or a folder away, where there is one. */
  remove(path: string): void {
    try {
      Deno.removeSync(join(this.clone, path), { recursive: true });
    } catch (fault) {
      if (!(fault instanceof Deno.errors.NotFound)) throw fault;
    }
  }

  /**
   * Runs a command line, `> FILE` included; a server until it has told its address and those who ask
   * it have their answers.
   */
  async run(line: string, asking: readonly string[] = []): Promise<Ran[]> {
    const began = performance.now();
    const cpu = childrenSeconds();
    const isServer = SERVERS.test(line);
    const child = this.#start(line);
    const stop = () => {
      try {
        child.kill("SIGTERM");
      } catch {
        // It has ended.
      }
    };
    const asked: Ran[] = [];
    let [out, printed] = ["", ""];
    let serving: Promise<void> | undefined;
    const timer = isServer ? setTimeout(stop, PATIENCE) : undefined;
    const ask = async (address: string) => {
      clearTimeout(timer);
      for (const one of asking) {
        asked.push(...await this.run(one.replace(/http:\/\/127\.0\.0\.1:8000/, address)));
      }
      stop();
    };
    const read = async (stream: ReadableStream<Uint8Array>, isOut: boolean) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream() as never)) {
        printed += text;
        if (isOut) out += text;
        const address = isServer && ADDRESS.exec(printed)?.[0];
        if (address) serving ??= ask(address);
      }
    };
    const reads = [read(child.stdout, true), read(child.stderr, false)];
    const [status] = await Promise.all([child.status, ...reads]);
    clearTimeout(timer);
    await serving;
    const file = fileOf(line);
    if (file !== undefined) this.write(file, out);
    const isFine = status.code === 0 || serving !== undefined;
    const seconds = (performance.now() - began) / 1000;
    const cpuSeconds = childrenSeconds() - cpu;
    return [{ line, printed, code: status.code, isFine, seconds, cpuSeconds }, ...asked];
  }

  #start(line: string): Deno.ChildProcess {
    const [program, ...args] = wordsOf(line.replace(INTO, ""));
    const stdin = CHATS.test(line) ? "piped" : "null";
    const place = { cwd: this.clone, env: this.#env, clearEnv: true };
    const command = { args, ...place, stdin, stdout: "piped", stderr: "piped" } as const;
    const child = new Deno.Command(program!, command).spawn();
    if (stdin === "piped") void new Blob([TURN]).stream().pipeTo(child.stdin).catch(() => {});
    return child;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#place, { recursive: true });
  }
}

/** The words of a command line as a shell parts them. */
const wordsOf = (line: string): string[] =>
  line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)!
    .map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));

const fileOf = (line: string): string | undefined => INTO.exec(line)?.[1];

/** Seconds of processors that ended children have taken, theirs included; 0 but on Linux. */
export function childrenSeconds(): number {
  if (Deno.build.os !== "linux") return 0;
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / TICKS;
}
