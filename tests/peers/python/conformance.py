"""The client that the conformance suite of MCP tests: the official Python SDK, over whatever HTTP_PROXY says.

    conformance.py URL        with MCP_CONFORMANCE_SCENARIO in the environment
"""

import asyncio
import os
import sys
from urllib.parse import parse_qs, urlparse

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from mcp.types import ElicitResult


async def main(url: str, scenario: str) -> None:
    auth = provider(url) if scenario.startswith("auth/") else None
    async with httpx2.AsyncClient(auth=auth, follow_redirects=False, timeout=30) as http:
        server = streamable_http_client(url, http_client=http)
        modern = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "") >= "2026"
        client = Client(server, mode="auto" if modern else "legacy", elicitation_callback=elicited)
        async with client:
            tools = await client.list_tools()
            if scenario == "initialize":
                return
            for tool in tools.tools:
                await client.call_tool(tool.name, {"a": 5, "b": 3} if tool.name == "add_numbers" else {})


async def elicited(_, asked) -> ElicitResult:
    """Accepts, with the defaults of the schema."""
    fields = (getattr(asked, "requested_schema", None) or {}).get("properties", {})
    return ElicitResult(action="accept", content={k: v["default"] for k, v in fields.items() if "default" in v})


class Storage:
    def __init__(self) -> None:
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens) -> None:
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client) -> None:
        self.client = client


def provider(url: str) -> OAuthClientProvider:
    """Consents at once: follows the authorization request and takes the code out of its redirect."""
    from mcp.client.auth import AuthorizationCodeResult

    came = {}

    async def redirected(address: str) -> None:
        async with httpx2.AsyncClient() as browser:
            answer = await browser.get(address)
        came.update(parse_qs(urlparse(answer.headers["location"]).query))

    async def called_back():
        first = lambda name: came.get(name, [None])[0]
        return AuthorizationCodeResult(code=first("code"), state=first("state"), iss=first("iss"))

    metadata = OAuthClientMetadata(
        client_name="conformance",
        redirect_uris=["http://localhost:9/callback"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
    )
    return OAuthClientProvider(url, metadata, Storage(), redirected, called_back)


asyncio.run(main(sys.argv[-1], os.environ["MCP_CONFORMANCE_SCENARIO"]))
