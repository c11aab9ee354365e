/**
 * Faults as OpenAI's API tells them.
 *
 * @module
 */

/** A fault that a client hears of, with its status. */
export class ApiFault extends Error {
  override name = "ApiFault";

  constructor(
    readonly status: number,
    message: string,
    /** The field that is at fault, null where it is none. */
    readonly param: string | null = null,
    /** Further headers of the response. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  /** The response's body. */
  get body() {
    const { message, param, status } = this;
    const type = status < 500 ? "invalid_request_error" : "server_error";
    return { error: { message, type, param, code: status === 404 ? "model_not_found" : null } };
  }
}
