/** What no command may do. */
import { join } from "node:path";

/** Where an attempt finds what it wants. */
export interface Place {
  /** A folder that no command line names. */
  readonly folder: string;
  /** The port of a server on the loopback that no command line names. */
  readonly port: number;
}

/** Each throws where it is denied. */
export const attempts: Readonly<Record<string, (place: Place) => unknown>> = {
  "read a file": ({ folder }) => Deno.readTextFileSync(join(folder, "secret.txt")),
  "read a folder": ({ folder }) => [...Deno.readDirSync(folder)],
  "look at a file": ({ folder }) => Deno.statSync(join(folder, "secret.txt")),
  "read the root": () => [...Deno.readDirSync("/")],
  "read the process": () => Deno.readTextFileSync("/proc/self/environ"),
  "write a file": ({ folder }) => Deno.writeTextFileSync(join(folder, "new.txt"), "planted"),
  "write over a file": ({ folder }) =>
    Deno.writeTextFileSync(join(folder, "secret.txt"), "planted"),
  "remove a file": ({ folder }) => Deno.removeSync(join(folder, "secret.txt")),
  "move a file": ({ folder }) => Deno.renameSync(join(folder, "secret.txt"), join(folder, "a")),
  "link to a file": ({ folder }) => Deno.symlinkSync("/", join(folder, "link")),
  "write this project": () => Deno.writeTextFileSync(new URL("planted.txt", import.meta.url), ""),
  "see a variable": () => Deno.env.get("GRAFT_TEST_SECRET"),
  "see every variable": () => Deno.env.toObject(),
  "set a variable": () => Deno.env.set("LD_PRELOAD", "planted.so"),
  "reach a server": ({ port }) =>
    fetch(`http://127.0.0.1:${port}/`).then((response) => response.text()),
  "connect": async ({ port }) => (await Deno.connect({ hostname: "127.0.0.1", port })).close(),
  "listen": () => Deno.listen({ hostname: "0.0.0.0", port: 0 }),
  "resolve a name": () => Deno.resolveDns("example.org", "A"),
  "start a program": () => new Deno.Command(Deno.execPath(), { args: ["--version"] }).outputSync(),
  "signal a process": () => Deno.kill(1, "SIGURG"),
  "load a library": () => Deno.dlopen("libc.so.6", {}),
  "import a module": () => import(`http://127.0.0.1:1/${"planted.ts"}`),
  "see the users": () => Deno.uid(),
  "see the networks": () => Deno.networkInterfaces(),
};
