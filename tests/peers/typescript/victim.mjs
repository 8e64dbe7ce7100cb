// A server of the official TypeScript SDK, 1.x, that tells which tools it ran: see server/tests/differential.
//
//     RAN=FILE node victim.mjs stdio | http PORT | express PORT
//
// It has a tool of any name. What it ran is a line in FILE, in JSON, which no part of MCP has to do with. `http` hands the
// requests of node:http to the SDK, which reads their bodies; `express` has them read by express.json() first, and takes any
// method for a POST below /any. With ANSWERS=events, answers over HTTP are event streams; with ANSWERS=sessions there are
// sessions besides, whose streams can be taken up again. Of two calls of tools `meet...` each waits for the other, and one of
// a tool `hold...` runs until it is cancelled.

import { appendFileSync, openSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = process.env.PEERS_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "auditrail-peers");
const require = createRequire(join(cache, "typescript/"));
const { Server } = require("@modelcontextprotocol/sdk/server/index.js");
const { StdioServerTransport } = require("@modelcontextprotocol/sdk/server/stdio.js");
const { StreamableHTTPServerTransport } = require("@modelcontextprotocol/sdk/server/streamableHttp.js");
const { InMemoryEventStore } = require("@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js");
const { CallToolRequestSchema } = require("@modelcontextprotocol/sdk/types.js");

const ran = openSync(process.env.RAN, "a");

function victim() {
  const server = new Server({ name: "victim", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const marker = params.arguments?.marker;
    appendFileSync(ran, JSON.stringify({ tool: params.name, marker: typeof marker === "string" ? marker : "" }) + "\n");
    if (params.name.startsWith("hold")) await new Promise(() => {});
    if (params.name.startsWith("meet")) await meeting();
    return { content: [] };
  });
  return server;
}

let waiting;

function meeting() {
  const other = waiting;
  waiting = undefined;
  if (other) return other();
  return new Promise((resolve) => (waiting = resolve));
}

const enableJsonResponse = process.env.ANSWERS === undefined;
const sessions = process.env.ANSWERS === "sessions" ? new Map() : undefined;

/** The transport of the session that the request names, or of a new one. */
async function session(request) {
  const known = sessions.get(request.headers["mcp-session-id"]);
  if (known) return known;
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new InMemoryEventStore(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await victim().connect(transport);
  return transport;
}

async function handle(request, response, body) {
  if (sessions) {
    const id = request.headers["mcp-session-id"];
    if (id && !sessions.has(id)) return void response.writeHead(404).end();
    return (await session(request)).handleRequest(request, response, body);
  }
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse });
  const server = victim();
  response.on("close", () => void transport.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, body);
}

const [kind, port] = process.argv.slice(2);
if (kind === "stdio") {
  await victim().connect(new StdioServerTransport());
} else if (kind === "http") {
  const answer = (request, response) => {
    // Where there are sessions there is one path; without any, the SDK looks at none.
    if (sessions && request.url !== "/mcp") return void response.writeHead(404).end();
    void handle(request, response);
  };
  createServer(answer).listen(Number(port), "127.0.0.1");
} else {
  const express = require("express");
  const app = express();
  app.use(express.json());
  app.all("/mcp", (request, response) => handle(request, response, request.body));
  // As middlewares do that let clients override the method.
  app.all("/any", (request, response) => {
    request.method = "POST";
    return handle(request, response, request.body);
  });
  app.listen(Number(port), "127.0.0.1");
}
