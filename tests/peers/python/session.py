"""An MCP client that answers what the server asks, cancels, and sends much: the official Python SDK.

    session.py [--mode legacy|auto] stdio -- COMMAND ARGS...
    session.py [--mode legacy|auto] http URL

legacy is `initialize`; auto, the SDK's default, asks by server/discover whether the server speaks 2026-07-28. One JSON line
per step on standard output, with all that the client saw of it:

    {"step": ..., "result" or "error": ..., "asked": [requests of the server], "progress": [notifications]}

The word canary stands in everything that is nobody's business but the client's and the server's.
"""

import argparse
import asyncio
import hashlib
import json
import os

import anyio
import patience  # noqa: F401
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    Implementation,
    ListRootsResult,
    Root,
    TextContent,
)
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider


def main() -> None:
    # With a tracer the SDK sends the trace context along; the spans themselves go nowhere.
    trace.set_tracer_provider(TracerProvider())
    asyncio.run(run(parse_arguments()))


async def run(options: argparse.Namespace) -> None:
    steps = Steps()
    client = Client(
        server_of(options),
        mode=options.mode,
        client_info=Implementation(name="python-client", version="1.0.0"),
        sampling_callback=steps.sampled,
        elicitation_callback=steps.elicited,
        list_roots_callback=steps.rooted,
    )
    async with client:
        call = client.call_tool
        await steps.step("connected", lambda _: version_of(client))
        await steps.step("tools", lambda _: client.list_tools())
        await steps.step("sample", lambda _: call("sample", {"question": "What does the canary sing?"}))
        await steps.step("sample refused", lambda _: call("sample", {"question": "Refuse, canary!"}))
        await steps.step("elicit", lambda _: call("elicit", {"question": "Is this the canary?"}))
        await steps.step("roots", lambda _: call("roots"))
        await steps.step("rounds", lambda _: call("rounds"))
        await steps.step("count", lambda progress: counted(client, progress))
        await steps.step("cancelled", lambda progress: cancelled(client, progress))
        # It waits until it is cancelled, so any time is too short.
        await steps.step("timed out", lambda progress: call("wait", {}, 2.0, progress))
        await steps.step("echo", lambda _: echoed(client))
        await steps.step("fail", lambda _: call("fail"))
        await steps.step("refuse", lambda _: call("refuse"))
        await steps.step("unknown", lambda _: call("no_such_tool", {"canary": True}))
        await steps.step("after all", lambda _: call("echo", {"text": "still here"}))


class Steps:
    """What the server asks, and what came of each step."""

    def __init__(self) -> None:
        self.asked: list[dict] = []

    async def step(self, name: str, action) -> None:
        self.asked, progress = [], []

        async def on_progress(number: float, total: float | None, message: str | None) -> None:
            progress.append({"progress": number, "total": total, "message": message})

        try:
            seen = {"result": plain(await action(on_progress))}
        except MCPError as error:
            seen = {"error": {"code": error.code, "message": error.message, "data": error.data}}
        print(json.dumps({"step": name, **seen, "asked": self.asked, "progress": progress}), flush=True)

    async def sampled(self, _, params: CreateMessageRequestParams) -> CreateMessageResult | ErrorData:
        self.asked.append({"method": "sampling/createMessage", "params": plain(params)})
        if params.messages[0].content.text.startswith("Refuse"):
            return ErrorData(code=-1, message="not for a canary")
        text = TextContent(type="text", text="It sings.")
        return CreateMessageResult(role="assistant", model="canary-1", stop_reason="endTurn", content=text)

    async def elicited(self, _, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append({"method": "elicitation/create", "params": plain(params)})
        return ElicitResult(action="accept", content={"reply": "canary, of course"})

    async def rooted(self, _) -> ListRootsResult:
        self.asked.append({"method": "roots/list", "params": {}})
        return ListRootsResult(roots=[Root(uri="file:///home/canary", name="canary")])


async def version_of(client: Client) -> dict:
    return {"server": plain(client.server_info), "revision": client.protocol_version}


async def counted(client: Client, progress) -> dict:
    """The server answers when all was heard."""
    heard, seen = anyio.Event(), {}

    async def on_progress(number: float, total: float | None, message: str | None) -> None:
        await progress(number, total, message)
        if number == total:
            heard.set()

    async def enough() -> None:
        await heard.wait()
        seen["enough"] = plain(await client.call_tool("enough"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(enough)
        seen["result"] = plain(await client.call_tool("count", progress_callback=on_progress))
    return dict(sorted(seen.items()))


async def cancelled(client: Client, progress) -> str:
    """Only when the server says that it has begun: what is cancelled before may never have been called."""
    with anyio.CancelScope() as scope:

        async def on_progress(*notification) -> None:
            await progress(*notification)
            scope.cancel()

        await client.call_tool("wait", {}, progress_callback=on_progress)
    return "cancelled" if scope.cancelled_caught else "answered"


async def echoed(client: Client) -> dict:
    text = payload()
    result = plain(await client.call_tool("echo", {"text": text}))
    back = result.pop("content")[0]["text"]
    encoded = back.encode()
    return result | {"bytes": len(encoded), "same": back == text, "sha256": hashlib.sha256(encoded).hexdigest()}


def payload() -> str:
    """3 MB that look like messages, of characters of each length, with all that JSON escapes."""
    message = '{"jsonrpc":"2.0","id":1,"method":"tools/call","result":{"isError":true}}'
    line = f'canary "\\" \x00\t\u2028 é 漢 🐤 {message}\n'
    return line * -(-3 * 1024 * 1024 // len(line.encode()))


def plain(model):
    """What a model of the SDK says, without the trace context, which differs from run to run."""
    if not hasattr(model, "model_dump"):
        return model
    fields = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    fields.pop("_meta", None)
    return fields


def server_of(options: argparse.Namespace):
    if options.transport == "http":
        # The SDK's own limit is 1 MiB for an event.
        return streamable_http_client(options.url, max_sse_event_size=16 * 1024 * 1024)
    command, *arguments = options.command
    # The SDK passes on six harmless variables only; the server under test is configured by its environment.
    return StdioServerParameters(command=command, args=arguments, env=dict(os.environ))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", default="auto", choices=["legacy", "auto"])
    transports = parser.add_subparsers(dest="transport", required=True)
    transports.add_parser("stdio").add_argument("command", nargs="+", help="after a --, the server's command line")
    transports.add_parser("http").add_argument("url")
    return parser.parse_args()


if __name__ == "__main__":
    main()
