"""A server of the official Python SDK in a process with a tracer, over stdio."""

from mcp.server.mcpserver import MCPServer
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(insecure=True)))
trace.set_tracer_provider(provider)
server = MCPServer("traced")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    with trace.get_tracer("traced").start_as_current_span("adding"):
        return a + b


if __name__ == "__main__":
    server.run("stdio")
