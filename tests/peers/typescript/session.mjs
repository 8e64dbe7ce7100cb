// An MCP client that answers what the server asks, cancels, and sends much: the official TypeScript SDK, 1.x.
//
//     node session.mjs stdio -- COMMAND ARGS...
//     node session.mjs http URL
//
// What it does and prints is said in steps.mjs.

import { closePatiently } from "./patience.mjs";
import { CAPABILITIES, installed, parseCommandLine, run } from "./steps.mjs";

const sdk = installed("typescript");
const { Client } = sdk("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = sdk("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = sdk("@modelcontextprotocol/sdk/client/streamableHttp.js");
const types = sdk("@modelcontextprotocol/sdk/types.js");

const SCHEMAS = {
  "sampling/createMessage": types.CreateMessageRequestSchema,
  "elicitation/create": types.ElicitRequestSchema,
  "roots/list": types.ListRootsRequestSchema,
};

const { url, command } = parseCommandLine(["legacy"]);
const transport = url ? new StreamableHTTPClientTransport(url) : new StdioClientTransport(command);
const client = new Client({ name: "typescript-1-client", version: "1.0.0" }, { capabilities: CAPABILITIES });

await run({
  connect: () => client.connect(transport),
  version: () => client.getServerVersion(),
  handle: (method, answer) => client.setRequestHandler(SCHEMAS[method], answer),
  listTools: () => client.listTools(),
  callTool: (params, options) => client.callTool(params, undefined, options),
  close: async () => {
    // Over HTTP, closing only drops the connection; the session on the server is ended by a request of its own.
    await transport.terminateSession?.();
    await closePatiently(client, transport);
  },
});
