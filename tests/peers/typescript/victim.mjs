// A server of the official TypeScript SDK, 1.x, that tells which tools it ran: see tests/differential.
//
//     RAN=FILE node victim.mjs stdio | http PORT | express PORT
//
// It has a tool of any name. What it ran is a line in FILE, in JSON, which no part of MCP has to do with. `http` hands the
// requests of node:http to the SDK, which reads their bodies; `express` has them read by express.json() first, and takes any
// method for a POST below /any. With ANSWERS=events, answers over HTTP are event streams.

import { appendFileSync, openSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = process.env.PEERS_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "auditrail-peers");
const require = createRequire(join(cache, "typescript/"));
const { Server } = require("@modelcontextprotocol/sdk/server/index.js");
const { StdioServerTransport } = require("@modelcontextprotocol/sdk/server/stdio.js");
const { StreamableHTTPServerTransport } = require("@modelcontextprotocol/sdk/server/streamableHttp.js");
const { CallToolRequestSchema } = require("@modelcontextprotocol/sdk/types.js");

const ran = openSync(process.env.RAN, "a");

function victim() {
  const server = new Server({ name: "victim", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    const marker = params.arguments?.marker;
    appendFileSync(ran, JSON.stringify({ tool: params.name, marker: typeof marker === "string" ? marker : "" }) + "\n");
    return { content: [] };
  });
  return server;
}

const enableJsonResponse = process.env.ANSWERS !== "events";

async function handle(request, response, body) {
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
  createServer((request, response) => void handle(request, response)).listen(Number(port), "127.0.0.1");
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
