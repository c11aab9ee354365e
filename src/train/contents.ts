/**
 * What a run was made of: a run goes on only with the same, wherever it lies by then.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import type { Session } from "./session.ts";

/** The sections of a checkpoint that have the hashes of the rows and of the base. */
const [ROWS, BASE] = ["rows", "base"] as const;

/** What a checkpoint keeps of them. */
export const contentsOf = ({ rows, base }: Pick<Session, "rows" | "base">) => ({
  [ROWS]: rows.contents,
  [BASE]: base,
});

/**
 * Other rows would come where the run has not been yet, or twice; another base makes another model.
 *
 * @throws {FileError} where a checkpoint is of a run on others.
 */
export function refuseOtherContents(
  { rows, base, config }: Session,
  sections: Readonly<Record<string, unknown>>,
): void {
  const sources = rows.sources.map(({ path }) => path).join(", ");
  const refuse = (what: string) => {
    throw new FileError(
      `Cannot resume: ${what} than when the run began, wanted the same, or a run of its own in ` +
        "another folder",
    );
  };
  const isOther = (name: string, now: string) => name in sections && sections[name] !== now;
  if (isOther(ROWS, rows.contents)) refuse(`${sources} holds other rows`);
  if (isOther(BASE, base)) refuse(`the base model in ${config.model} holds other files`);
}
