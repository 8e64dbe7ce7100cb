"""A FastMCP server that does what server/tests/clients/server does, in Python: the same tools, and a resource and a prompt besides.

    server.py stdio
    server.py http        on a free port of loopback, said on standard error

What it asks its client, it asks by requests of its own up to 2025-11-25, by its results from 2026-07-28 on.
"""

import asyncio
import json
import socket
import sys
import warnings

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from mcp import MCPDeprecationWarning, MCPError
from mcp.types import (
    INTERNAL_ERROR,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

# Sampling and roots belong to the older revisions.
warnings.simplefilter("ignore", MCPDeprecationWarning)

server = FastMCP("fastmcp-server")
enough_heard = asyncio.Event()


@server.tool
async def sample(question: str, context: Context):
    """Asks the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
    params = CreateMessageRequestParams(messages=[message], max_tokens=100)
    return await answered(context, [CreateMessageRequest(params=params)])


@server.tool
async def elicit(question: str, context: Context):
    """Asks the client's user."""
    return await answered(context, [elicitation(question)])


@server.tool
async def roots(context: Context):
    """Asks the client for its roots."""
    return await answered(context, [ListRootsRequest()])


@server.tool
async def rounds(context: Context):
    """Asks the client's user twice, the second time when it has the first answer."""
    return await answered(context, [elicitation("First, canary?"), elicitation("Then, canary?")])


@server.tool
async def count(context: Context) -> str:
    """Counts to five, and ends when it is told that this is enough."""
    for number in range(1, 6):
        await context.report_progress(number, 5, "the canary counts")
    await enough_heard.wait()
    return "five"


@server.tool
async def enough() -> str:
    """Says that all of the counting was heard."""
    enough_heard.set()
    return "thank you"


@server.tool
async def wait(context: Context) -> str:
    """Says that it has begun, and ends only when it is cancelled."""
    await context.report_progress(1, 5, "the canary counts")
    await asyncio.Event().wait()
    return "nobody reads this canary"


# Without a schema the text goes back once, not as structured content besides.
@server.tool(output_schema=None)
def echo(text: str) -> str:
    """Gives back what it gets."""
    return text


@server.tool
def fail() -> str:
    """Fails, as a tool does."""
    raise ToolError("it did not work, says the canary")


@server.tool
def refuse() -> str:
    """Fails, as a server does. FastMCP makes the result of a failed tool of it."""
    raise MCPError(code=INTERNAL_ERROR, message="not with this canary", data={"because": "of the canary"})


@server.resource("memo://today")
def today() -> str:
    """What there is to do."""
    return "feed the canary"


@server.prompt
def greeting(name: str) -> str:
    """How to be polite."""
    return f"Say hello to {name}, the canary."


async def answered(context: Context, asks: list):
    """Asks everything, one after the other, and says the last answer."""
    if context.request_context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        answers = [await asked(context, ask) for ask in asks]
        return said(answers[-1])
    given = int(context.request_state or 0)
    if given < len(asks):
        return InputRequiredResult(input_requests={"the one": asks[given]}, request_state=str(given + 1))
    return said(context.input_responses["the one"])


async def asked(context: Context, ask):
    session, call = context.session, context.request_id
    match ask:
        case CreateMessageRequest(params=params):
            return await session.create_message(
                params.messages, max_tokens=params.max_tokens, related_request_id=call
            )
        case ElicitRequest(params=params):
            return await session.elicit(params.message, params.requested_schema, related_request_id=call)
        case ListRootsRequest():
            # Over HTTP it goes by the stream that the client has opened with a GET.
            return await session.list_roots()


def elicitation(question: str) -> ElicitRequest:
    schema = {"type": "object", "properties": {"reply": {"type": "string"}}, "required": ["reply"]}
    return ElicitRequest(params=ElicitRequestFormParams(message=question, requested_schema=schema))


def said(answer) -> str:
    return json.dumps(answer.model_dump(mode="json", by_alias=True, exclude_none=True))


def serve_http() -> None:
    # It takes connections from here on, so whoever is told of it may come.
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"MCP server on http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
    server.run("http", show_banner=False, log_level="critical", sockets=[listener])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["stdio", *_]:
            server.run("stdio", show_banner=False, log_level="critical")
        case ["http", *_]:
            serve_http()
        case _:
            sys.exit("usage: server.py stdio|http")
