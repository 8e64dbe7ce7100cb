//! `emit` with `emit_otlp`, over gRPC.

use emit::setup::Init;
use emit_otlp::Otlp;

use super::{Exporter, FLUSH, SERVICE, TARGET_ID, TOOL};

pub(super) struct EmitOtlp(Init<'static, Otlp>);

impl EmitOtlp {
    /// With all defaults.
    pub(super) fn start(endpoint: &str) -> Self {
        let otlp = emit_otlp::new()
            .resource(emit::props! { #[emit::key("service.name")] service: SERVICE })
            .logs(emit_otlp::logs_grpc_proto(endpoint))
            .spawn();
        Self(emit::setup().emit_to(otlp).init())
    }
}

impl Exporter for EmitOtlp {
    fn emit(&self, id: i64) {
        emit::info!(
            "moment",
            id,
            #[emit::key("mcp.method.name")]
            method: "tools/call",
            #[emit::key("gen_ai.tool.name")]
            tool: TOOL,
            #[emit::key("audit.target.id")]
            target: TARGET_ID,
        );
    }

    fn end(self: Box<Self>) -> String {
        format!("blocking_flush: {}", self.0.blocking_flush(FLUSH))
    }
}
