// A server of a few lines, as people write them without an SDK, that tells which tools it ran: see server/tests/differential.
//
//     RAN=FILE node bare.mjs stdio | http PORT
//
// It has a tool of any name, and runs calls without an id, too. Lines end where `readline` ends them; bodies are taken whatever
// the method, the path and the type are. What it ran is a line in FILE, in JSON, which no part of MCP has to do with.

import { appendFileSync, openSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const ran = openSync(process.env.RAN, "a");

/** The answer, or nothing. */
function handle(message) {
  const { id, method, params } = message ?? {};
  let result = {};
  if (method === "tools/call" && typeof params?.name === "string") {
    const marker = params.arguments?.marker;
    appendFileSync(ran, JSON.stringify({ tool: params.name, marker: typeof marker === "string" ? marker : "" }) + "\n");
    result = { content: [] };
  } else if (method === "initialize") {
    result = { protocolVersion: "2025-03-26", capabilities: { tools: {} }, serverInfo: { name: "bare", version: "1" } };
  }
  return method !== undefined && id !== undefined ? { jsonrpc: "2.0", id, result } : undefined;
}

function read(text) {
  try {
    const message = JSON.parse(text);
    if (!Array.isArray(message)) return handle(message);
    const answers = message.map(handle).filter(Boolean);
    return answers.length > 0 ? answers : undefined;
  } catch {
    return { jsonrpc: "2.0", id: null, error: { code: -32700, message: "Parse error" } };
  }
}

const [kind, port] = process.argv.slice(2);
if (kind === "stdio") {
  createInterface({ input: process.stdin }).on("line", (line) => {
    const answer = line.trim() && read(line);
    if (answer) console.log(JSON.stringify(answer));
  });
} else {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const answer = read(Buffer.concat(chunks).toString());
    response.writeHead(answer ? 200 : 202, { "content-type": "application/json" });
    response.end(answer && JSON.stringify(answer));
  });
  server.listen(Number(port), "127.0.0.1");
}
