"""A server of the official Python SDK (its `MCPServer`, which was called FastMCP), over stdio."""

import asyncio

from mcp.server.mcpserver import MCPServer

server = MCPServer("python-server")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
async def wait(seconds: float) -> str:
    """Takes its time."""
    await asyncio.sleep(seconds)
    return "done"


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("it always does")


@server.resource("memo://today")
def today() -> str:
    """A resource."""
    return "nothing to do"


if __name__ == "__main__":
    server.run("stdio")
