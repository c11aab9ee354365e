/**
 * The folder for what can be made anew.
 *
 * @module
 */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * Where Graft keeps what it can make anew: `graft` in `$XDG_CACHE_HOME`, or else in `~/.cache`
 * (XDG Base Directory Specification 0.8, by which a relative path does not count). It may not exist.
 */
export function cacheFolder(): string {
  const named = Deno.env.get("XDG_CACHE_HOME") ?? "";
  return join(isAbsolute(named) ? named : join(homedir(), ".cache"), "graft");
}
