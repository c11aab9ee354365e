/**
 * Rows with a label: of an answer whether it is wanted, of a text or a chat its class.
 *
 * @module
 */
import { blank, type Content } from "../content.ts";
import { fault, fieldFault, own, type Row, text } from "../sources/row.ts";
import { readMessages } from "./chats.ts";

/** Whether the answer of a labelled row is wanted. */
export function isWanted(row: Row): boolean {
  const label = own(row.fields, "label");
  if (typeof label === "boolean") return label;
  const found = label === undefined ? "nothing" : JSON.stringify(label);
  throw fault(row, `${found} in label`, "true or false, or data.format prompt-completion");
}

/**
 * A text or a chat with its class.
 *
 * @throws {FileError} where there is none.
 */
export function readClassified(row: Row): Content {
  const label = own(row.fields, "label");
  if (typeof label !== "string" && typeof label !== "number" && typeof label !== "boolean") {
    throw fieldFault(row, "label", "the name or the number of a class");
  }
  return { ...(own(row.fields, "messages") ? readMessages(row) : readText(row)), label };
}

/** A text alone. */
export function readText(row: Row): Content {
  const content = text(row, "text");
  return { kind: "text", text: content, origin: row.origin, empty: blank(content, "text") };
}
