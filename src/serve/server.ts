/**
 * A server that answers with a base and its adapters: OpenAI's API and a page to chat in.
 *
 * @module
 */
import { checkSender, type GateOptions, readJson } from "./gate.ts";
import { ApiFault } from "./openai/fault.ts";
import { answerChat, answerText, listModels } from "./openai/routes.ts";
import { chatPage } from "./page.ts";
import type { Served } from "./served.ts";

/** How to listen. */
export interface ServerOptions extends GateOptions {
  /** Called for each request that was answered or refused. */
  readonly onRequest?: (line: string) => void;
}

type Handler = (served: Served, request: Request) => Response | Promise<Response>;

const ROUTES: Readonly<Record<string, Handler>> = {
  "GET /": (served) => chatPage(served),
  "GET /health": () => Response.json({ status: "ok" }),
  "GET /v1/models": (served) => listModels(served),
  "POST /v1/chat/completions": async (served, request) =>
    await answerChat(served, await readJson(request), request.signal),
  "POST /v1/completions": async (served, request) =>
    await answerText(served, await readJson(request), request.signal),
};

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
export function listen(served: Served, options: ServerOptions): Deno.HttpServer<Deno.NetAddr> {
  const { hostname, port, token, onRequest = () => {} } = options;
  const handler = async (request: Request): Promise<Response> => {
    const { pathname } = URL.parse(request.url) ?? { pathname: "" }; // a Host may be anything
    const response = await respond(served, request, pathname, {
      hostname,
      port: server.addr.port,
      token,
    });
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
    onRequest(`${request.method} ${pathname} ${response.status}`);
    return response;
  };
  const server = Deno.serve({ hostname, port, handler, onListen: () => {} });
  return server;
}

async function respond(
  served: Served,
  request: Request,
  pathname: string,
  gate: GateOptions,
): Promise<Response> {
  try {
    // The page itself holds no secret, and a browser sends no token for it.
    const token = pathname === "/" ? null : gate.token;
    checkSender(request, { ...gate, token });
    const handler = ROUTES[`${request.method} ${pathname}`];
    if (handler) return await handler(served, request);
    const known = Object.keys(ROUTES).some((route) => route.endsWith(` ${pathname}`));
    throw known
      ? new ApiFault(405, `${pathname}: found the method ${request.method}, wanted another`)
      : new ApiFault(404, `found no ${pathname}, wanted /v1/models, /v1/chat/completions ...`);
  } catch (fault) {
    return refusal(fault);
  }
}

function refusal(fault: unknown): Response {
  if (fault instanceof ApiFault) {
    return Response.json(fault.body, { status: fault.status, headers: fault.headers });
  }
  const message = fault instanceof Error ? fault.message : String(fault);
  return Response.json(new ApiFault(500, message).body, { status: 500 });
}
