/**
 * The text that a template writes.
 *
 * @module
 */

import { checkLength, spendText } from "./budget.ts";

/** Grows as statements are executed. */
export class Output {
  text = "";

  /** @throws {RangeError} where it grows beyond what a text may have. */
  write(text: string): void {
    spendText(text.length);
    checkLength(this.text.length + text.length);
    this.text += text;
  }
}
