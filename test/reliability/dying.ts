/** The command line, killed within one of the calls by which it changes files: `DIES_AT` says which. */
import { main } from "../../src/cli/commands.ts";
import { onDisk } from "./disk.ts";

let left = Number(Deno.env.get("DIES_AT"));
Deno.exit(await onDisk(() => left-- === 0 ? "dies" : "done", () => main(Deno.args)));
