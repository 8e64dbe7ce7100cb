"""A server of the official Python SDK with a tracer of its own, as it may be today: it knows nothing of auditrail.

pip install mcp opentelemetry-sdk opentelemetry-exporter-otlp-proto-grpc
python3 adder.py            # over Streamable HTTP, at http://127.0.0.1:8000/mcp
python3 adder.py stdio
"""

import os
import sys
import time

from mcp.server.mcpserver import MCPServer
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "adder-server"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True), schedule_delay_millis=200))
trace.set_tracer_provider(provider)
server = MCPServer("adder")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers, which takes a while."""
    with trace.get_tracer("adder").start_as_current_span("adding"):
        time.sleep(0.3)
        return a + b


if __name__ == "__main__":
    if sys.argv[1:] == ["stdio"]:
        server.run("stdio")
    else:
        server.run("streamable-http", port=int(os.environ.get("PORT", "8000")), json_response=True, stateless_http=True)
