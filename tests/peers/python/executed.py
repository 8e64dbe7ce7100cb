"""A server of the official Python SDK, 1.x or 2.x, over HTTP on that port or over stdio: what it is asked, it runs.

    executed.py http PORT | stdio
"""

import sys

try:
    from mcp.server.mcpserver import MCPServer as Server
except ImportError:  # 1.x
    from mcp.server.fastmcp import FastMCP as Server

first_generation = Server.__name__ == "FastMCP"
port = int(sys.argv[2]) if sys.argv[1] == "http" else 0
server = Server("executed", **({"port": port, "stateless_http": True, "json_response": True} if first_generation else {}))


@server.tool()
def delete_user(name: str = "") -> str:
    """Says that it ran."""
    return "it ran"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    elif first_generation:
        server.run("streamable-http")
    else:
        server.run("streamable-http", port=port, stateless_http=True, json_response=True)
