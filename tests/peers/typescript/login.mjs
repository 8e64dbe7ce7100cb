// A client that logs in by OAuth, as the official TypeScript SDK, 1.x, does it: it is refused, discovers who grants tokens,
// registers, is granted one, and makes a call.
//
//     node login.mjs URL
//
// Prints a JSON line for each step. In the place of the user's browser, it follows the redirect itself.

import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const cache = process.env.PEERS_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "auditrail-peers");
const sdk = createRequire(join(cache, "typescript", "package.json"));
const { Client } = sdk("@modelcontextprotocol/sdk/client/index.js");
const { UnauthorizedError } = sdk("@modelcontextprotocol/sdk/client/auth.js");
const { StreamableHTTPClientTransport } = sdk("@modelcontextprotocol/sdk/client/streamableHttp.js");
const { InMemoryOAuthClientProvider } = sdk("@modelcontextprotocol/sdk/examples/client/simpleOAuthClientProvider.js");

const url = new URL(process.argv[2]);
const say = (step) => console.log(JSON.stringify(step));

say({ step: "health", status: (await fetch(new URL("/health", url))).status });
let authorization;
const redirect = "http://localhost:1/callback";
const metadata = {
  client_name: "login",
  redirect_uris: [redirect],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "client_secret_post",
};
const authProvider = new InMemoryOAuthClientProvider(redirect, metadata, (to) => (authorization = to));
const client = () => new Client({ name: "login", version: "1.0.0" });
const refused = new StreamableHTTPClientTransport(url, { authProvider });
try {
  await client().connect(refused);
} catch (error) {
  say({ step: "connect", refused: error instanceof UnauthorizedError });
}
const granted = await fetch(authorization, { redirect: "manual" });
say({ step: "authorize", status: granted.status });
await refused.finishAuth(new URL(granted.headers.get("location")).searchParams.get("code"));
const user = client();
await user.connect(new StreamableHTTPClientTransport(url, { authProvider }));
const result = await user.callTool({ name: "delete_user", arguments: { name: "canary" } });
say({ step: "call", text: result.content[0].text });
await user.close();
