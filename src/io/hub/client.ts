/**
 * Talks to the hub: what `@huggingface/hub` needs of `fetch`, with the token, with an end to all
 * waiting, and with every refusal turned into one sentence.
 *
 * @module
 */
import { FileError, StoppedError } from "../../errors.ts";
import { isDenied } from "../files.ts";
import type { RepoName, RepoType } from "./name.ts";
import type { HubSettings } from "./settings.ts";
import { heeding } from "../../stop.ts";

/** The hub did not answer, or not now: what is in the cache may stand in. */
export class Unreachable extends FileError {}

/** What is to be made is there already. */
export class Conflict extends FileError {}

/** Requests about one repository. */
export class HubClient {
  constructor(
    readonly settings: HubSettings,
    readonly name: RepoName,
    private readonly type: RepoType = "model",
  ) {}

  /**
   * `fetch`, but its answer is whole and is one of success.
   *
   * The library takes no token but those that begin with `hf_`, as a mirror's need not, so the token
   * is added here: to requests for the hub's own address alone, and a redirect to another drops it.
   */
  readonly #fetch: typeof fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    // Bytes on their way up take as long as they take.
    const isUpload = init.body !== undefined && typeof init.body !== "string";
    const patience = isUpload ? Infinity : this.settings.patience;
    return await this.#ask(url, init, patience, async (response) => {
      const { status, headers } = response;
      const body = await response.arrayBuffer();
      return new Response(status === 204 ? null : body, { status, headers });
    });
  };

  /**
   * What `ask` makes of the answers of a hub.
   *
   * @throws {FileError} where an address answers that is no hub.
   */
  async api<T>(ask: (options: { hubUrl: string; fetch: typeof fetch }) => Promise<T>): Promise<T> {
    const { settings: { endpoint }, name: { repo } } = this;
    try {
      return await ask({ hubUrl: endpoint, fetch: this.#fetch });
    } catch (fault) {
      if (fault instanceof FileError || fault instanceof StoppedError || isDenied(fault)) {
        throw fault;
      }
      const words = fault instanceof Error ? fault.message.split("\n")[0] : String(fault);
      throw new FileError(
        `Cannot use ${repo}: ${endpoint} does not answer as a hub does (${words})`,
        { cause: fault },
      );
    }
  }

  /** The answer whose body is a file from `offset` on, or from its beginning where it is not 206. */
  async open(revision: string, file: string, offset: number): Promise<Response> {
    const { endpoint, patience } = this.settings;
    const path = [revision, ...file.split("/")].map(encodeURIComponent).join("/");
    const folder = this.type === "dataset" ? "/datasets" : "";
    const url = new URL(`${endpoint}${folder}/${this.name.repo}/resolve/${path}`);
    const headers: HeadersInit = offset === 0 ? {} : { Range: `bytes=${offset}-` };
    return await this.#ask(url, { headers }, patience, (response) => Promise.resolve(response));
  }

  /** Asks for `url`; `take` must have what it wants within `patience` milliseconds. */
  async #ask(
    url: URL,
    init: RequestInit,
    patience: number,
    take: (response: Response) => Promise<Response>,
  ): Promise<Response> {
    const patient = new AbortController();
    const timer = patience < Infinity ? setTimeout(() => patient.abort(), patience) : undefined;
    const signals = [patient.signal, ...(init.signal ? [init.signal] : [])];
    try {
      const asked = fetch(url, {
        ...init,
        headers: this.#headers(url, init.headers),
        signal: AbortSignal.any(signals),
      });
      const response = await heeding(asked);
      if (!response.ok) throw await this.#refusal(response);
      return await heeding(take(response));
    } catch (fault) {
      if (fault instanceof StoppedError) {
        patient.abort();
        throw fault;
      }
      if (fault instanceof FileError || isDenied(fault) || init.signal?.aborted) throw fault;
      throw new Unreachable(`Cannot reach ${url.origin}: ${networkWords(fault, patience)}`, {
        cause: fault,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #headers(url: URL, given: HeadersInit | undefined): Headers {
    const { endpoint, token } = this.settings;
    const headers = new Headers(given);
    headers.delete("Authorization");
    if (token !== undefined && url.origin === new URL(endpoint).origin) {
      headers.set("Authorization", `Bearer ${token}`);
    }
    return headers;
  }

  /** What the hub's refusal means (https://huggingface.co/docs/huggingface_hub/package_reference/errors). */
  async #refusal(response: Response): Promise<FileError> {
    const { settings: { endpoint, token }, name: { repo, revision } } = this;
    const { status, headers } = response;
    const said = await messageOf(response);
    switch (headers.get("X-Error-Code")) {
      case "RevisionNotFound":
        return new FileError(`Cannot find revision "${revision}" of ${repo} at ${endpoint}`);
      case "EntryNotFound":
        return new FileError(`Cannot find a file of ${repo} at ${endpoint}: ${said}`);
      case "GatedRepo":
        return new FileError(
          `Cannot read ${repo}: it is gated, so accept its terms at ${endpoint}/${repo} and ` +
            "set HF_TOKEN to a token of that account",
        );
    }
    if (status === 401 && token !== undefined && /credential|token/i.test(said)) {
      return new FileError(`Cannot read ${repo}: ${endpoint} does not accept the token (${said})`);
    }
    if (status === 401 || status === 404) {
      const hidden = token === undefined ? "without HF_TOKEN" : "to this token";
      return new FileError(
        `Cannot find ${repo}: it is no folder here, and ${endpoint} has no such repository or ` +
          `does not show it ${hidden}`,
      );
    }
    if (status === 403) {
      return new FileError(`Cannot use ${repo}: ${endpoint} forbids it to this token (${said})`);
    }
    if (status === 409) return new Conflict(`Cannot make ${repo}: ${said}`);
    const found = `${new URL(response.url || endpoint).origin} answered ${status} (${said})`;
    const isPassing = status >= 500 || status === 429 || status === 408;
    return new (isPassing ? Unreachable : FileError)(`Cannot use ${repo}: ${found}`);
  }
}

/** The first line of what the hub says of a refusal. */
async function messageOf(response: Response): Promise<string> {
  const header = response.headers.get("X-Error-Message");
  const text = await response.text().catch(() => "");
  let said = header ?? text;
  try {
    const { error, message } = JSON.parse(text);
    said = header ?? String(error ?? message ?? text);
  } catch {
    // It is no JSON.
  }
  const line = said.trim().split("\n")[0]!.replace(/\.$/, "").slice(0, 200);
  return line === "" || line.startsWith("<") ? response.statusText || "no reason given" : line;
}

/** What went wrong on the way, without the address, which the sentence has already. */
function networkWords(fault: unknown, patience: number): string {
  if (fault instanceof DOMException && fault.name === "AbortError") {
    return `no answer within ${patience / 1000} s`;
  }
  let inner = fault;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  const message = inner instanceof Error ? inner.message : String(inner);
  return message.replace(/^error sending request for url \(.*?\): (client error \(\w+\): )?/, "")
    .replace(/ \(os error \d+\)$/, "").split("\n")[0]!;
}
