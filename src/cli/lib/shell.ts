/**
 * Commands to be typed again.
 *
 * @module
 */

/** An argument as a shell wants it. */
export const shellWord = (arg: string): string =>
  /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`;
