// An MCP server behind a login: the official TypeScript SDK, 1.x, its authorization server for demonstrations included, all on
// one origin, and a /health beside it. Over HTTP on a free port of loopback, which it says on standard error.
//
//     node oauth_server.mjs
//
// It is known by the name that clients use, such as that of a proxy in front of it.

import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = process.env.PEERS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "auditrail-peers");
const sdk = createRequire(join(cache, "typescript", "package.json"));
const express = sdk("express");
const { z } = sdk("zod");
const { McpServer } = sdk("@modelcontextprotocol/sdk/server/mcp.js");
const { StreamableHTTPServerTransport } = sdk("@modelcontextprotocol/sdk/server/streamableHttp.js");
const { mcpAuthRouter, getOAuthProtectedResourceMetadataUrl } = sdk("@modelcontextprotocol/sdk/server/auth/router.js");
const { requireBearerAuth } = sdk("@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js");
const { DemoInMemoryAuthProvider } = sdk("@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js");

const provider = new DemoInMemoryAuthProvider();
const routers = new Map();

// The authorization server and the resource by that name.
function routerOf(host) {
  if (!routers.has(host)) {
    const origin = new URL(`http://${host}`);
    const resourceServerUrl = new URL("/mcp", origin);
    const router = express.Router();
    router.use(mcpAuthRouter({ provider, issuerUrl: origin, resourceServerUrl }));
    router.use("/mcp", requireBearerAuth({
      verifier: provider,
      resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resourceServerUrl),
    }));
    routers.set(host, router);
  }
  return routers.get(host);
}

const app = express();
app.get("/health", (_, response) => response.json({ status: "ok" }));
app.use((request, response, next) => routerOf(request.headers.host)(request, response, next));
app.post("/mcp", express.json(), async (request, response) => {
  const server = new McpServer({ name: "oauth-server", version: "1.0.0" });
  server.registerTool("delete_user", { inputSchema: { name: z.string() } }, async ({ name }) => ({
    content: [{ type: "text", text: `deleted ${name}` }],
  }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
// As the SDK's own example without sessions does.
app.all("/mcp", (_, response) => {
  response.status(405).json({ jsonrpc: "2.0", error: { code: -32000, message: "Method not allowed." }, id: null });
});
const listening = app.listen(0, "127.0.0.1", () => {
  console.error(`MCP server on http://127.0.0.1:${listening.address().port}/mcp`);
});
