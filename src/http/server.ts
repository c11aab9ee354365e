/**
 * A server on this machine: routes behind a gate.
 *
 * @module
 */
import { HttpFault } from "./fault.ts";
import { checkSender, type GateOptions } from "./gate.ts";

/** What answers to a method and a path, as in `GET /v1/models`. */
export type Routes = Readonly<Record<string, Handler>>;

/** Answers a request. */
export type Handler = (request: Request, url: URL) => Response | Promise<Response>;

/** How to listen. */
export interface ServerOptions extends GateOptions {
  /** Called for each request that was answered or refused. */
  readonly onRequest?: (line: string) => void;
}

/** What a browser may do with what comes from here. */
const HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * Listens. Port 0 takes a free one.
 *
 * @throws {Deno.errors.AddrInUse} where another program listens there.
 */
export function listen(routes: Routes, options: ServerOptions): Deno.HttpServer<Deno.NetAddr> {
  const { hostname, port, token, onRequest = () => {} } = options;
  const handler = async (request: Request): Promise<Response> => {
    const url = URL.parse(request.url) ?? new URL("http://unknown/"); // a Host may be anything
    const gate = { hostname, port: server.addr.port, token };
    const response = await respond(routes, request, url, gate);
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
    onRequest(`${request.method} ${url.pathname} ${response.status}`);
    return response;
  };
  const server = Deno.serve({ hostname, port, handler, onListen: () => {} });
  return server;
}

async function respond(
  routes: Routes,
  request: Request,
  url: URL,
  gate: GateOptions,
): Promise<Response> {
  const { pathname } = url;
  try {
    // The page itself holds no secret, and a browser sends no token for it.
    checkSender(request, pathname === "/" ? { ...gate, token: null } : gate);
    const handler = routes[`${request.method} ${pathname}`];
    if (handler) return await handler(request, url);
    const known = Object.keys(routes).map((route) => route.split(" ")[1]!);
    throw known.includes(pathname)
      ? new HttpFault(405, `${pathname}: found the method ${request.method}, wanted another`)
      : new HttpFault(404, `found no ${pathname}, wanted ${known.join(", ")}`);
  } catch (fault) {
    if (fault instanceof HttpFault) return fault.response;
    return new HttpFault(500, fault instanceof Error ? fault.message : String(fault)).response;
  }
}

/**
 * Serves until a signal comes, which `end` is told; a second one does what it does to any program,
 * and so ends it at once.
 */
export async function untilInterrupted(server: Deno.HttpServer, end: () => void): Promise<number> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let isInterrupted = false;
  const listen = () => {
    for (const signal of signals) Deno.addSignalListener(signal, take);
  };
  const ignore = () => {
    for (const signal of signals) Deno.removeSignalListener(signal, take);
  };
  const take = () => {
    isInterrupted = true;
    ignore();
    end();
    server.shutdown();
  };
  listen();
  await server.finished;
  if (!isInterrupted) ignore();
  return isInterrupted ? INTERRUPTED : 0;
}

/** Exit code of a program that a signal ended. */
const INTERRUPTED = 130;

/** `http://127.0.0.1:8000` */
export function addressOf({ addr: { hostname, port } }: Deno.HttpServer<Deno.NetAddr>): string {
  return `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
