"""A FastMCP server that verifies JSON Web Tokens itself, over HTTP on a free port of loopback, which it says on standard error.

    verifier.py JWKS_URL ISSUER AUDIENCE ALGORITHM
"""

import socket
import sys

from fastmcp import FastMCP
from fastmcp.server.auth import JWTVerifier
from fastmcp.server.dependencies import get_access_token

jwks_url, issuer, audience, algorithm = sys.argv[1:]
verifier = JWTVerifier(jwks_uri=jwks_url, issuer=issuer, audience=audience, algorithm=algorithm)
server = FastMCP("verifying-server", auth=verifier)


@server.tool
def whoami() -> dict:
    """Says who calls, as the server knows."""
    token = get_access_token()
    return {
        "subject": token.claims["sub"],
        "client": token.client_id,
        "scopes": sorted(token.scopes),
        "issuer": token.claims["iss"],
        "agent": token.claims.get("act", {}).get("sub"),
    }


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"MCP server on http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
    server.run("http", show_banner=False, log_level="critical", sockets=[listener])
