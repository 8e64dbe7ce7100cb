"""A tour through a server of others over stdio, in the form of ../typescript/tour.mjs.

    tour.py CALLS -- COMMAND ARGS...
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import patience  # noqa: F401
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import CreateMessageResult, ElicitResult, Implementation, ListRootsResult, Root, TextContent


async def main(calls: list[dict], command: str, arguments: list[str]) -> None:
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    client = Client(
        server,
        mode="legacy",
        client_info=Implementation(name="tour", version="1.0.0"),
        sampling_callback=sampled,
        elicitation_callback=elicited,
        list_roots_callback=rooted,
    )
    async with client:
        await step("tools", client.list_tools)
        await step("prompts", client.list_prompts)
        await step("resources", client.list_resources)
        await step("templates", client.list_resource_templates)
        for call in calls:
            await take(client, call)


async def take(client: Client, call: dict) -> None:
    match call:
        case {"cancel": _}:
            pass
        case {"tool": name, **rest}:
            await step(name, lambda: client.call_tool(name, rest.get("arguments", {})))
        case {"prompt": name, **rest}:
            await step(name, lambda: client.get_prompt(name, rest.get("arguments", {})))
        case {"resource": uri}:
            await step(uri, lambda: client.read_resource(uri))


async def step(name: str, action) -> None:
    try:
        seen = {"result": (await action()).model_dump(mode="json", by_alias=True, exclude_none=True)}
    except MCPError as error:
        seen = {"error": {"code": error.code, "message": error.message, "data": error.data}}
    print(json.dumps({"step": name, **seen}), flush=True)


async def sampled(*_) -> CreateMessageResult:
    text = TextContent(type="text", text="a fine answer")
    return CreateMessageResult(role="assistant", model="none", stop_reason="endTurn", content=text)


async def elicited(*_) -> ElicitResult:
    return ElicitResult(action="decline")


async def rooted(*_) -> ListRootsResult:
    return ListRootsResult(roots=[Root(uri="file:///tmp", name="tmp")])


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] != "--":
        sys.exit("usage: tour.py CALLS -- COMMAND ARGS...")
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[3], sys.argv[4:]))
