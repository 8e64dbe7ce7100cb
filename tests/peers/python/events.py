"""What the parser of the official Python SDK makes of streams of events: see server/tests/differential.

    events.py < CASES

Each line that comes in is a JSON object with a `url` and a `body`, which is posted there; each that goes out has the
`messages` of the answer, as far as its stream came. It is read as the SDK reads it, by the same packages: of 1.x `httpx`,
`httpx-sse` and the model of a message, of 2.x `httpx2`, whose parser comes from the other, and the adapter.
"""

import json
import sys

import anyio

try:
    import httpx2 as http
    from httpx2 import EventSource
    from mcp_types import jsonrpc_message_adapter

    def events(response):
        return EventSource(response, max_event_size=1024 * 1024)

    def message(data):
        return jsonrpc_message_adapter.validate_json(data, by_name=False)

except ImportError:
    import httpx as http
    from httpx_sse import EventSource
    from mcp.types import JSONRPCMessage

    def events(response):
        return EventSource(response).aiter_sse()

    def message(data):
        return JSONRPCMessage.model_validate_json(data)


HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


async def understood(client, case):
    messages = []
    try:
        async with client.stream("POST", case["url"], content=case["body"], headers=HEADERS) as response:
            async for event in events(response):
                if event.event != "message" or not event.data:
                    continue
                try:
                    it = message(event.data)
                except ValueError:
                    continue
                messages.append(it.model_dump(mode="json", by_alias=True, exclude_none=True))
    except http.HTTPError:
        pass  # The stream broke off.
    return {"messages": messages}


async def main():
    async with http.AsyncClient(timeout=120) as client:
        async for line in anyio.wrap_file(sys.stdin):
            print(json.dumps(await understood(client, json.loads(line))), flush=True)


anyio.run(main)
