// What the TypeScript clients do with a server that asks back: the same steps in both generations of the SDK.
//
// One JSON line per step on standard output, with all that the client saw of it:
//
//     {"step": ..., "result" or "error": ..., "asked": [requests of the server], "progress": [notifications]}
//
// The word canary stands in everything that is nobody's business but the client's and the server's.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

export const CAPABILITIES = { sampling: {}, elicitation: {}, roots: {} };

// tests/peers/install puts node_modules outside the work tree, where an import statement would not look.
export function installed(part) {
  const cache = process.env.PEERS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "auditrail-peers");
  return createRequire(join(cache, part, "package.json"));
}

// [--mode MODE] stdio -- COMMAND ARGS... | http URL
export function parseCommandLine(modes) {
  const { values, positionals } = parseArgs({ options: { mode: { type: "string" } }, allowPositionals: true });
  const mode = values.mode ?? modes[0];
  const [kind, ...rest] = positionals;
  if (modes.includes(mode) && kind === "http" && rest.length === 1) return { mode, url: new URL(rest[0]) };
  if (modes.includes(mode) && kind === "stdio" && rest.length > 0) {
    const [command, ...args] = rest;
    // The SDK passes on six harmless variables only; the server under test is configured by its environment.
    return { mode, command: { command, args, env: process.env, stderr: "inherit" } };
  }
  console.error(`usage: [--mode ${modes.join("|")}] stdio -- COMMAND ARGS... | http URL`);
  process.exit(2);
}

// session: { connect, version, handle(method, answer), listTools, callTool(params, options), close }
export async function run(session) {
  let asked = [];
  const answer = (method, reply) =>
    session.handle(method, async ({ params = {} }) => {
      const { _meta, ...rest } = params;
      asked.push({ method, params: rest });
      return reply(rest);
    });
  answer("sampling/createMessage", sampled);
  answer("elicitation/create", () => ({ action: "accept", content: { reply: "canary, of course" } }));
  answer("roots/list", () => ({ roots: [{ uri: "file:///home/canary", name: "canary" }] }));

  const step = async (name, action) => {
    asked = [];
    const progress = [];
    const seen = await action((notification) => progress.push(notification)).then(
      (result) => ({ result }),
      (error) => ({ error: { name: error.name, code: error.code, message: error.message } }),
    );
    console.log(JSON.stringify({ step: name, ...seen, asked, progress }));
  };
  const call = (name, args = {}, options = {}) => session.callTool({ name, arguments: args }, options);

  await session.connect();
  await step("connected", async () => session.version());
  await step("tools", () => session.listTools());
  await step("sample", () => call("sample", { question: "What does the canary sing?" }));
  await step("sample refused", () => call("sample", { question: "Refuse, canary!" }));
  await step("elicit", () => call("elicit", { question: "Is this the canary?" }));
  await step("roots", () => call("roots"));
  await step("rounds", () => call("rounds"));
  await step("count", (onprogress) => counted(call, onprogress));
  await step("cancelled", (onprogress) => cancelled(call, onprogress));
  // It waits until it is cancelled, so any time is too short.
  await step("timed out", (onprogress) => call("wait", {}, { onprogress, timeout: 2000 }));
  await step("echo", () => echoed(call));
  await step("fail", () => call("fail"));
  await step("refuse", () => call("refuse"));
  await step("unknown", () => call("no_such_tool", { canary: true }));
  await step("after all", () => call("echo", { text: "still here" }));
  await session.close();
  // The SDK leaves the timer by which it would come back for the stream of a cancelled call.
  process.exit();
}

function sampled({ messages }) {
  const question = messages[0].content.text;
  if (question.startsWith("Refuse")) throw new Error("not for a canary");
  return { role: "assistant", model: "canary-1", stopReason: "endTurn", content: { type: "text", text: "It sings." } };
}

// The SDK drops what it has not handed out when the answer comes, so the server answers when all was heard.
async function counted(call, onprogress) {
  let enough;
  const options = {
    onprogress: (notification) => {
      onprogress(notification);
      if (notification.progress === notification.total) enough = call("enough");
    },
  };
  const result = await call("count", {}, options);
  return { result, enough: await enough };
}

// Only when the server says that it has begun: what is cancelled before may never have been called.
function cancelled(call, onprogress) {
  const controller = new AbortController();
  const options = {
    signal: controller.signal,
    onprogress: (notification) => {
      onprogress(notification);
      controller.abort("the canary has changed its mind");
    },
  };
  return call("wait", {}, options);
}

async function echoed(call) {
  const text = payload();
  const { content, ...rest } = await call("echo", { text });
  const back = content[0].text;
  return { ...rest, bytes: Buffer.byteLength(back), same: back === text, sha256: createHash("sha256").update(back).digest("hex") };
}

// 3 MB that look like messages, of characters of each length, with all that JSON escapes.
function payload() {
  const line = 'canary "\\" \u0000\t\u2028 é 漢 🐤 {"jsonrpc":"2.0","id":1,"method":"tools/call","result":{"isError":true}}\n';
  return line.repeat(Math.ceil((3 * 1024 * 1024) / Buffer.byteLength(line)));
}
