/**
 * Faults that a client hears of.
 *
 * @module
 */

/** A fault with its status. */
export class HttpFault extends Error {
  override name = "HttpFault";

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

  /** The response, as OpenAI's API has it. */
  get response(): Response {
    const { message, param, status, headers } = this;
    const type = status < 500 ? "invalid_request_error" : "server_error";
    const code = status === 404 && param === "model" ? "model_not_found" : null;
    return Response.json({ error: { message, type, param, code } }, { status, headers });
  }
}
