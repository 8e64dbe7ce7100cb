"""A server of the official Python SDK, 1.x or 2.x, that tells which tools it ran: see tests/differential.

    RAN=FILE victim.py stdio | http PORT

With ANSWERS=events, answers over HTTP are event streams. It has a tool of any name. What it ran is a line in FILE, in JSON, which no part of MCP has to do with.
"""

import contextlib
import json
import os
import sys

import anyio
import mcp.server.stdio
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Mount

ran = os.open(os.environ["RAN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def run(name, arguments):
    marker = (arguments or {}).get("marker")
    line = json.dumps({"tool": name, "marker": marker if isinstance(marker, str) else ""})
    os.write(ran, line.encode() + b"\n")


def first_generation():
    from mcp import types

    async def call(request):
        run(request.params.name, request.params.arguments)
        return types.ServerResult(types.CallToolResult(content=[]))

    server = Server("victim")
    server.request_handlers[types.CallToolRequest] = call
    return server


def second_generation():
    import mcp_types as types

    async def call(context, params):
        run(params.name, params.arguments)
        return types.CallToolResult(content=[])

    return Server("victim", on_call_tool=call)


try:
    import mcp_types  # noqa: F401

    server = second_generation()
except ImportError:
    server = first_generation()


async def stdio():
    async with mcp.server.stdio.stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def http(port):
    json_response = os.environ.get("ANSWERS") != "events"
    manager = StreamableHTTPSessionManager(server, json_response=json_response, stateless=True)

    @contextlib.asynccontextmanager
    async def lifespan(_):
        async with manager.run():
            yield

    app = Starlette(routes=[Mount("/", app=manager.handle_request)], lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical")


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        anyio.run(stdio)
    else:
        http(int(sys.argv[2]))
