// Lets a server over stdio end by itself, however busy the machine is, before the client is closed.
//
// The SDKs give it two seconds, and then send signals: it would be killed with all that it still had to say. Some never end
// by themselves, with a tool at work; so for half a minute.

import { once } from "node:events";
import { setTimeout } from "node:timers/promises";

export async function closePatiently(client, transport) {
  // Private in the SDKs; over HTTP there is none.
  const server = transport._process;
  if (server) {
    const gone = once(server, "close");
    server.stdin.end();
    await Promise.race([gone, setTimeout(30_000, undefined, { ref: false })]);
  }
  await client.close();
}
