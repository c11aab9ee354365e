/**
 * What a server of models answers: OpenAI's API and a page to chat in.
 *
 * @module
 */
import { readJson } from "../http/gate.ts";
import type { Routes } from "../http/server.ts";
import { answerChat, answerText, listModels } from "./openai/routes.ts";
import { chatPage } from "./page.ts";
import type { Served } from "./served.ts";

/** The routes of a base and its adapters. */
export const routesOf = (served: Served): Routes => ({
  "GET /": () => chatPage(served),
  "GET /health": () => Response.json({ status: "ok" }),
  "GET /v1/models": () => listModels(served),
  "POST /v1/chat/completions": async (request) =>
    await answerChat(served, await readJson(request), request.signal),
  "POST /v1/completions": async (request) =>
    await answerText(served, await readJson(request), request.signal),
});
