// An MCP client that answers what the server asks, cancels, and sends much: the official TypeScript SDK, 2.x.
//
//     node session.mjs [--mode legacy|auto] stdio -- COMMAND ARGS...
//     node session.mjs [--mode legacy|auto] http URL
//
// legacy, the SDK's default, is `initialize`; auto asks by server/discover whether the server speaks 2026-07-28. What it
// does and prints is said in ../typescript/steps.mjs.

import { closePatiently } from "../typescript/patience.mjs";
import { CAPABILITIES, installed, parseCommandLine, run } from "../typescript/steps.mjs";

const sdk = installed("typescript2");
const { Client, StreamableHTTPClientTransport } = sdk("@modelcontextprotocol/client");
const { StdioClientTransport } = sdk("@modelcontextprotocol/client/stdio");

const { mode, url, command } = parseCommandLine(["legacy", "auto"]);
const transport = url ? new StreamableHTTPClientTransport(url) : new StdioClientTransport(command);
const client = new Client(
  { name: "typescript-2-client", version: "1.0.0" },
  { capabilities: CAPABILITIES, versionNegotiation: { mode } },
);

await run({
  connect: () => client.connect(transport),
  version: () => ({ ...client.getServerVersion(), revision: client.getNegotiatedProtocolVersion() }),
  handle: (method, answer) => client.setRequestHandler(method, answer),
  listTools: () => client.listTools(),
  callTool: (params, options) => client.callTool(params, options),
  close: async () => {
    // Over HTTP, closing only drops the connection; the session on the server is ended by a request of its own.
    await transport.terminateSession?.();
    await closePatiently(client, transport);
  },
});
