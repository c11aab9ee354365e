/**
 * `deno task test [FLAG...] [PATH...]`: all tests and the examples of the docstrings, or those of some
 * paths, in as many processes side by side as there are cores. Flags are those of `deno test`.
 *
 * @module
 */

/** Shares of the files: they take unequal time, so there are more than processes. */
const SHARES = 12;

/** Memory that a process may take. */
const BYTES = 2 * 1024 ** 3;

/** Software Vulkan then works in the thread that waits for it: the cores are busy by themselves. */
const ENV = { LP_NUM_THREADS: "0" };

interface Share {
  readonly index: number;
  readonly code: number;
  readonly text: string;
}

function deno(...args: string[]): Promise<Deno.CommandOutput> {
  const command = new Deno.Command(Deno.execPath(), { args, env: ENV, stdin: "null" });
  return command.output();
}

/** The i-th share's tests, with all that they print. */
async function test(index: number, args: readonly string[]): Promise<Share> {
  const share = `--shard=${index}/${SHARES}`;
  const { code, stdout, stderr } = await deno(
    "test",
    "-A",
    "--doc",
    "--no-check",
    "--permit-no-files",
    share,
    ...args,
  );
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return { index, code, text };
}

/** Types once for all shares, those of examples too. */
async function check(args: readonly string[]): Promise<void> {
  const { code, stderr } = await deno("test", "--doc", "--no-run", ...args);
  if (code === 0) return;
  console.error(new TextDecoder().decode(stderr));
  Deno.exit(code);
}

if (import.meta.main) {
  const flags = Deno.args.filter((arg) => arg.startsWith("-"));
  const paths = Deno.args.filter((arg) => !arg.startsWith("-"));
  const args = [...flags, ...(paths.length > 0 ? paths : ["mod.ts", "src", "test"])];
  await check(args);
  const left = Array.from({ length: SHARES }, (_, i) => i + 1).values();
  const failed: Share[] = [];
  const work = async () => {
    for (const index of left) {
      const share = await test(index, args);
      if (share.code === 0) console.log(share.text);
      else failed.push(share);
    }
  };
  const room = Math.floor(Deno.systemMemoryInfo().total / BYTES);
  const processes = Math.max(1, Math.min(navigator.hardwareConcurrency, room));
  await Promise.all(Array.from({ length: processes }, work));
  for (const { index, text } of failed) {
    console.error(`${text}\nshare ${index} of ${SHARES} failed`);
  }
  Deno.exit(failed.length > 0 ? 1 : 0);
}
