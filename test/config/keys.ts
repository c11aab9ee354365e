/** What shows that a key of the configuration does something: cases for the test of every key. */

/** Where two runs, or two readings of rows, may differ. */
export type Trace = "adapter" | "metrics" | "log" | "report" | "files" | "measured" | "fault";

/** Values by their dotted keys. */
export type Keys = Readonly<Record<string, unknown>>;

/** A key, and what it is set to beside a base in which something depends on it. */
export interface KeyCase {
  readonly to: unknown;
  readonly beside?: Keys;
  /** Where it shows; "adapter" where absent. */
  readonly in?: Trace;
}

/** A copy of `values` with those of dotted keys; undefined unsets one. */
export function withKeys<T extends object>(values: T, keys: Keys): T {
  const copy = structuredClone(values) as Record<string, unknown>;
  for (const [key, value] of Object.entries(keys)) {
    const path = key.split(".");
    const last = path.pop()!;
    let at = copy;
    for (const name of path) at = (at[name] ??= {}) as Record<string, unknown>;
    if (value === undefined) delete at[last];
    else at[last] = structuredClone(value);
  }
  return copy as T;
}
