/** Runs a command in this process and keeps what it prints. */

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `action` with these variables in the environment. */
export async function withEnv(
  variables: Readonly<Record<string, string>>,
  action: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    await action();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

/** What a command printed, and its exit code; what it throws is thrown. */
export async function capture(
  run: (args: string[]) => Promise<number>,
  ...args: string[]
): Promise<Captured> {
  const { log, error } = console;
  const { writeSync } = Deno.stdout;
  const decoder = new TextDecoder();
  let stdout = "";
  let stderr = "";
  console.log = (line: string) => void (stdout += `${line}\n`);
  console.error = (line: string) => void (stderr += `${line}\n`);
  Deno.stdout.writeSync = (bytes) => {
    stdout += decoder.decode(bytes, { stream: true });
    return bytes.length;
  };
  try {
    const code = await run(args);
    return { code, stdout, stderr };
  } finally {
    Object.assign(console, { log, error });
    Deno.stdout.writeSync = writeSync;
  }
}
