// What the parser of the official TypeScript SDK, 1.x, makes of streams of events: see server/tests/differential.
//
//     node events.mjs < CASES
//
// Each line that comes in is a JSON object with a `url` and a `body`, which is posted there; each that goes out has the
// `messages` of the answer, as far as its stream came. It is read as the SDK reads it, by the same packages: fetch,
// TextDecoderStream, `eventsource-parser`, and the SDK's own schema of what is a message.

import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const cache = process.env.PEERS_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "auditrail-peers");
const require = createRequire(join(cache, "typescript/"));
const { EventSourceParserStream } = require("eventsource-parser/stream");
const { JSONRPCMessageSchema } = require("@modelcontextprotocol/sdk/types.js");

async function understood({ url, body }) {
  const messages = [];
  try {
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const response = await fetch(url, { method: "POST", headers, body });
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const event of events) {
      if (!event.data || (event.event && event.event !== "message")) continue;
      try {
        messages.push(JSONRPCMessageSchema.parse(JSON.parse(event.data)));
      } catch {
        // What the SDK hands to `onerror`, and goes on.
      }
    }
  } catch {
    // The stream broke off.
  }
  return { messages };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await understood(JSON.parse(line))));
}
