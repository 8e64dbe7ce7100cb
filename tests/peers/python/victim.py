"""A server of the official Python SDK, 1.x or 2.x, that tells which tools it ran: see server/tests/differential.

    RAN=FILE victim.py stdio | http PORT

With ANSWERS=events, answers over HTTP are event streams; with ANSWERS=sessions there are sessions besides, whose streams can
be taken up again. It has a tool of any name. Of two calls of tools `meet...` each waits for the other, and one of a tool
`hold...` runs until it is cancelled. What it ran is a line in FILE, in JSON, which no part of MCP has to do with.
"""

import contextlib
import json
import os
import sys

import anyio
import mcp.server.stdio
import uvicorn
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Mount

ran = os.open(os.environ["RAN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


waiting = []


async def run(name, arguments):
    marker = (arguments or {}).get("marker")
    line = json.dumps({"tool": name, "marker": marker if isinstance(marker, str) else ""})
    os.write(ran, line.encode() + b"\n")
    if name.startswith("hold"):
        await anyio.sleep_forever()
    if name.startswith("meet"):
        if waiting:
            waiting.pop().set()
        else:
            waiting.append(anyio.Event())
            await waiting[0].wait()


def first_generation():
    from mcp import types

    async def call(request):
        await run(request.params.name, request.params.arguments)
        return types.ServerResult(types.CallToolResult(content=[]))

    server = Server("victim")
    server.request_handlers[types.CallToolRequest] = call
    return server


def second_generation():
    import mcp_types as types

    async def call(context, params):
        await run(params.name, params.arguments)
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


class Events(EventStore):
    """Of all sessions, in the order in which they were sent."""

    def __init__(self):
        self.all = []

    async def store_event(self, stream_id, message):
        self.all.append((stream_id, message))
        return str(len(self.all))

    async def replay_events_after(self, last_event_id, send_callback):
        last = int(last_event_id)
        stream_id = self.all[last - 1][0]
        for number, (stream, message) in enumerate(self.all[last:], last + 1):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream_id


def http(port):
    answers = os.environ.get("ANSWERS")
    has_sessions = answers == "sessions"
    manager = StreamableHTTPSessionManager(
        server,
        json_response=answers is None,
        stateless=not has_sessions,
        event_store=Events() if has_sessions else None,
    )

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
