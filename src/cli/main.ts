/**
 * The command line: works out what a command may touch, and runs it in a worker that may touch
 * nothing else.
 *
 * @module
 */
import { grantsOf } from "./permissions/grants.ts";
import { confine } from "./permissions/confine.ts";

/** Vulkan complains on stderr about a machine without a session folder. */
function nameSessionFolder(): void {
  if (Deno.env.get("XDG_RUNTIME_DIR") === undefined) Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
}

/** Nothing but text is wanted: nothing may be asked of the machine. */
const isHelp = (args: readonly string[]): boolean =>
  args.length === 0 || args.includes("--help") || args.includes("-h");

if (import.meta.main) {
  const { args } = Deno;
  if (isHelp(args)) {
    const { main } = await import("./commands.ts");
    Deno.exit(await main(args));
  }
  nameSessionFolder();
  const mark = crypto.randomUUID().slice(0, 8);
  const program = new URL("./confined.ts", import.meta.url);
  Deno.exit(await confine(program, { args, mark }, await grantsOf(args, mark)));
}
