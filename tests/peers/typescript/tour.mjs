// A tour through a server of others over stdio: everything that it lists, some calls, and what it asks meanwhile.
//
//     node tour.mjs CALLS -- COMMAND ARGS...
//
// CALLS is a file with a JSON list of {"tool": ..., "arguments": {...}}, "cancel": milliseconds among them for one that is cancelled,
// {"prompt": ..., "arguments": {...}} and {"resource": URI}.
// One JSON line per step on standard output, with all that the client saw of it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { closePatiently } from "./patience.mjs";

const cache = process.env.PEERS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "auditrail-peers");
const sdk = createRequire(join(cache, "typescript", "package.json"));
const { Client } = sdk("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = sdk("@modelcontextprotocol/sdk/client/stdio.js");
const types = sdk("@modelcontextprotocol/sdk/types.js");

const [calls, separator, command, ...args] = process.argv.slice(2);
if (separator !== "--" || !command) {
  console.error("usage: tour.mjs CALLS -- COMMAND ARGS...");
  process.exit(2);
}

const capabilities = { sampling: {}, elicitation: {}, roots: {} };
const client = new Client({ name: "tour", version: "1.0.0" }, { capabilities });
let asked = [];
const answer = (schema, reply) =>
  client.setRequestHandler(schema, async ({ method, params }) => {
    asked.push({ method, params });
    return reply;
  });
const content = { type: "text", text: "a fine answer" };
answer(types.CreateMessageRequestSchema, { role: "assistant", model: "none", stopReason: "endTurn", content });
answer(types.ElicitRequestSchema, { action: "decline" });
answer(types.ListRootsRequestSchema, { roots: [{ uri: "file:///tmp", name: "tmp" }] });

const step = async (name, action) => {
  asked = [];
  const progress = [];
  // The SDK drops what it has not handed out when the answer comes, so whether the last one is seen is chance.
  const onprogress = (heard) => heard.progress < heard.total && progress.push(heard);
  const seen = await action(onprogress).then(
    (result) => ({ result }),
    (error) => ({ error: { name: error.name, code: error.code, message: error.message } }),
  );
  console.log(JSON.stringify({ step: name, ...seen, asked, progress }));
};

const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
await client.connect(transport);
await step("server", async () => ({ info: client.getServerVersion(), capabilities: client.getServerCapabilities() }));
await step("ping", () => client.ping());
await step("tools", () => client.listTools());
await step("prompts", () => client.listPrompts());
await step("resources", () => client.listResources());
await step("templates", () => client.listResourceTemplates());
for (const { tool, prompt, resource, arguments: given = {}, cancel } of JSON.parse(readFileSync(calls, "utf8"))) {
  await step(tool ?? prompt ?? resource, (onprogress) => {
    if (prompt) return client.getPrompt({ name: prompt, arguments: given });
    if (resource) return client.readResource({ uri: resource });
    const controller = new AbortController();
    if (cancel) setTimeout(() => controller.abort("the tourist has changed his mind"), cancel);
    return client.callTool({ name: tool, arguments: given }, undefined, { onprogress, signal: controller.signal });
  });
}
await closePatiently(client, transport);
