"""An MCP client that propagates trace context: the official Python SDK with the OpenTelemetry SDK active.

    client.py [--calls FILE] [--mode MODE] stdio -- COMMAND ARGS...
    client.py [--calls FILE] [--mode MODE] http URL

Lists the tools, makes each call in turn, and prints one JSON line per call:

    {"tool": ..., "trace_id": hex, "span_id": hex, "is_error": bool or null, "error_code": int or null}

The ids are those that went into the request's `_meta.traceparent`. The SDK makes one span of kind CLIENT per request,
called `MCP send METHOD NAME`; each call is the root of its own trace. Spans go by OTLP/gRPC to
OTEL_EXPORTER_OTLP_ENDPOINT, nowhere if that is not set.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path

import patience  # noqa: F401
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import Implementation
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NAME = "python-mcp-client"

# A success, a tool that fails, a call that the server refuses, and a tool that does not exist.
DEFAULT_CALLS = [
    {"tool": "current_weather", "arguments": {"city": "Lisbon"}},
    {"tool": "forecast", "arguments": {"city": "Atlantis", "days": 3}},
    {"tool": "delete_station", "arguments": {"station": "LIS-01"}},
    {"tool": "no_such_tool", "arguments": {}},
]


def main() -> None:
    options = parse_arguments()
    calls = json.loads(options.calls.read_text()) if options.calls else DEFAULT_CALLS
    provider, propagator = start_tracing()
    try:
        asyncio.run(run(server_of(options), options.mode, calls, propagator))
    finally:
        # Blocks until the last batch is sent, so that a test may look for the spans once this process is gone.
        provider.shutdown()


async def run(server: str | StdioServerParameters, mode: str, calls: list[dict], propagator: "Remembering") -> None:
    async with Client(server, mode=mode, client_info=Implementation(name=NAME, version="1.0.0")) as client:
        await client.list_tools()
        for call in calls:
            is_error = error_code = None
            try:
                result = await client.call_tool(call["tool"], call.get("arguments", {}))
                is_error = result.is_error
            except MCPError as error:
                error_code = error.code
            _, trace_id, span_id, _ = propagator.injected.split("-")
            line = {"tool": call["tool"], "trace_id": trace_id, "span_id": span_id}
            # Flushed per line: a test may wait for the first call to be over before it goes on.
            print(json.dumps(line | {"is_error": is_error, "error_code": error_code}), flush=True)


class Remembering(TraceContextTextMapPropagator):
    """Keeps what was injected last.

    The span itself is the SDK's own and ends inside it. A span processor would see it too, but not if it is not sampled.
    """

    injected = ""

    def inject(self, carrier, *args, **kwargs) -> None:
        super().inject(carrier, *args, **kwargs)
        self.injected = carrier["traceparent"]


def start_tracing() -> tuple[TracerProvider, Remembering]:
    # Named here and not by OTEL_SERVICE_NAME, which a test sets for the server that inherits this environment.
    provider = TracerProvider(resource=Resource.create({"service.name": NAME}))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    propagator = Remembering()
    propagate.set_global_textmap(propagator)
    return provider, propagator


def server_of(options: argparse.Namespace) -> str | StdioServerParameters:
    if options.transport == "http":
        return options.url
    command, *arguments = options.command
    # The SDK passes on six harmless variables only; the server under test is configured by its environment.
    return StdioServerParameters(command=command, args=arguments, env=dict(os.environ))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=Path, help='a JSON list of {"tool": ..., "arguments": {...}}')
    parser.add_argument(
        "--mode",
        default="auto",
        help="auto: server/discover, then initialize if that is refused; legacy: initialize; 2026-07-28: neither",
    )
    transports = parser.add_subparsers(dest="transport", required=True)
    transports.add_parser("stdio").add_argument("command", nargs="+", help="after a --, the server's command line")
    transports.add_parser("http").add_argument("url")
    return parser.parse_args()


if __name__ == "__main__":
    main()
