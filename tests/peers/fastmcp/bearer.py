"""A FastMCP server that wants a bearer token, over HTTP on a free port of loopback, which it says on standard error.

    bearer.py
"""

import socket
import sys

from fastmcp import FastMCP
from fastmcp.server.auth import StaticTokenVerifier

server = FastMCP("bearer-server", auth=StaticTokenVerifier({"right": {"client_id": "test", "scopes": []}}))


@server.tool
def delete_user(name: str) -> str:
    """Says that it did."""
    return f"deleted {name}"


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"MCP server on http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
    server.run("http", show_banner=False, log_level="critical", stateless_http=True, json_response=True, sockets=[listener])
