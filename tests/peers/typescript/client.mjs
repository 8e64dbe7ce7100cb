// An MCP client that propagates no trace context: the official TypeScript SDK, 1.x.
//
//     node client.mjs [--calls FILE] stdio -- COMMAND ARGS...
//     node client.mjs [--calls FILE] http URL
//
// Lists the tools, makes each call in turn, and prints one JSON line per call, in the form of ../python/client.py:
//
//     {"tool": ..., "trace_id": null, "span_id": null, "is_error": bool or null, "error_code": int or null}

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { closePatiently } from "./patience.mjs";

// tests/peers/install puts node_modules outside the work tree, where an import statement would not look.
const cache = process.env.PEERS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "auditrail-peers");
const sdk = createRequire(join(cache, "typescript", "package.json"));
const { Client } = sdk("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = sdk("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = sdk("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { McpError } = sdk("@modelcontextprotocol/sdk/types.js");

// A success, a tool that fails, a call that the server refuses, and a tool that does not exist.
const DEFAULT_CALLS = [
  { tool: "current_weather", arguments: { city: "Lisbon" } },
  { tool: "forecast", arguments: { city: "Atlantis", days: 3 } },
  { tool: "delete_station", arguments: { station: "LIS-01" } },
  { tool: "no_such_tool", arguments: {} },
];

const { values: options, positionals } = parseArgs({ options: { calls: { type: "string" } }, allowPositionals: true });
const calls = options.calls ? JSON.parse(readFileSync(options.calls, "utf8")) : DEFAULT_CALLS;
const transport = transportOf(positionals);
const client = new Client({ name: "typescript-mcp-client", version: "1.0.0" });

await client.connect(transport);
await client.listTools();
for (const call of calls) {
  console.log(JSON.stringify({ tool: call.tool, trace_id: null, span_id: null, ...(await outcomeOf(call)) }));
}
// Over HTTP, closing only drops the connection; the session on the server is ended by a request of its own.
await transport.terminateSession?.();
await closePatiently(client, transport);

function transportOf([kind, ...rest]) {
  if (kind === "http" && rest.length === 1) return new StreamableHTTPClientTransport(new URL(rest[0]));
  if (kind === "stdio" && rest.length > 0) {
    const [command, ...args] = rest;
    // The SDK passes on six harmless variables only; the server under test is configured by its environment.
    return new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
  }
  console.error("usage: client.mjs [--calls FILE] stdio -- COMMAND ARGS... | http URL");
  process.exit(2);
}

async function outcomeOf(call) {
  try {
    const result = await client.callTool({ name: call.tool, arguments: call.arguments ?? {} });
    return { is_error: result.isError ?? false, error_code: null };
  } catch (error) {
    if (!(error instanceof McpError)) throw error;
    return { is_error: null, error_code: error.code };
  }
}
