/**
 * Who may ask a server, and how much: hosts, origins, a token, the size and the time of a body.
 *
 * @module
 */
import { HttpFault } from "./fault.ts";

/** What a gate lets in. */
export interface GateOptions {
  /** The address that is listened on. */
  readonly hostname: string;
  readonly port: number;
  /** What `Authorization: Bearer` must have; null where anybody of this machine may ask. */
  readonly token: string | null;
}

/** The largest body of a request. */
const MOST_BYTES = 16 << 20;
/** A body that takes longer is refused. */
const MOST_MS = 30_000;

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Whether an address is of this machine alone. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "::1" || LOOPBACK.includes(hostname) || /^127\.\d+\.\d+\.\d+$/.test(hostname);

/**
 * Refuses whom a page of another site sends (its Origin), who reached this machine by a name that is
 * not its own (DNS rebinding), and who lacks the token.
 *
 * @throws {HttpFault} of status 401 or 403.
 */
export function checkSender(request: Request, { hostname, port, token }: GateOptions): void {
  const { headers } = request;
  if (isLoopback(hostname)) {
    const hosts = [...LOOPBACK, hostname].map((name) => `${name}:${port}`);
    const host = headers.get("host") ?? "";
    if (!hosts.includes(host)) {
      throw new HttpFault(403, `Host: found "${host.slice(0, 80)}", wanted ${hosts[0]}`);
    }
    const origin = headers.get("origin");
    if (origin !== null && !hosts.some((name) => origin === `http://${name}`)) {
      throw new HttpFault(403, `Origin: found "${origin.slice(0, 80)}", wanted this server's own`);
    }
  }
  if (token === null) return;
  const given = headers.get("authorization") ?? "";
  if (isSame(given, `Bearer ${token}`)) return;
  throw new HttpFault(401, "Authorization: wanted the server's token", null, {
    "www-authenticate": "Bearer",
  });
}

/** In a time that tells nothing of where they differ. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => new TextEncoder().encode(text));
  let differs = a!.length ^ b!.length;
  for (const [i, byte] of b!.entries()) differs |= byte ^ (a![i] ?? 0);
  return differs === 0;
}

/**
 * The JSON of a request.
 *
 * @throws {HttpFault} where it is too large, too slow or no JSON.
 */
export async function readJson(
  request: Request,
  most = MOST_BYTES,
  ms = MOST_MS,
): Promise<unknown> {
  const bytes = await readBody(request, most, ms);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new HttpFault(400, "the body: found no JSON in UTF-8");
  }
}

async function readBody(request: Request, most: number, ms: number): Promise<Uint8Array> {
  const tooLarge = new HttpFault(413, `the body: found more than ${most} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > most) throw tooLarge;
  const reader = request.body?.getReader();
  const { promise: tooSlow, reject } = Promise.withResolvers<never>();
  tooSlow.catch(() => {});
  const late = new HttpFault(408, `the body: took longer than ${ms / 1000} s`);
  const timer = setTimeout(() => reject(late), ms);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  try {
    for (let size = 0; reader;) {
      const { value, done } = await Promise.race([reader.read(), tooSlow]);
      if (done) break;
      size += value.length;
      if (size > most) throw tooLarge;
      chunks.push(value);
    }
  } catch (fault) {
    await reader?.cancel();
    throw fault;
  } finally {
    clearTimeout(timer);
  }
  return await new Blob(chunks).bytes();
}
