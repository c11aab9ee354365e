/**
 * What Deno says of a denied access, as a sentence for who typed the command.
 *
 * @module
 */

const WORDS: Readonly<Record<string, (what: string) => string>> = {
  read: (what) => `Cannot read ${what}: ${NAMED}`,
  write: (what) => `Cannot write ${what}: it lies outside the output that the command line names`,
  net: (what) => `Cannot reach ${what}: the command may reach the hub's own addresses alone`,
  env: (what) => `Cannot see the variable ${what}: it is none that a command may see`,
  run: (what) => `Cannot start ${what}: a command starts no program`,
};

const NAMED = "neither the command line nor its configuration names it";

/** Such as `Requires read access to "/etc/passwd", run again with the --allow-read flag`. */
export function deniedWords(message: string): string {
  const [, kind = "", what = "anything"] = /^Requires (\w+) access(?: to (.*?))?, run again/
    .exec(message) ?? [];
  const words = Object.hasOwn(WORDS, kind) ? WORDS[kind]!(what) : `Denied: ${message}`;
  return `${words}; docs/security.md says what a command may touch`;
}
