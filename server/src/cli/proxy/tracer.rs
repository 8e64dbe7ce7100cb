//! The tracer: calls are spans, unless the operator wants none.

use auditrail::Trail;
use auditrail::internals::TrailInside as _;

use super::config::Configuration;
use crate::cli::outcome::Failure;

/// Exports the spans; dropped with the trail.
pub(super) type Tracer = auditrail::capture::telemetry::Telemetry;

/// Installs it, unless it is turned off.
pub(super) fn install(configuration: &Configuration, trail: &Trail) -> Result<Option<Tracer>, Failure> {
    let exports = trail.settings().exports_traces;
    if configuration.file.trace.inject && !exports {
        return Err(Failure::usage(NO_SPANS));
    }
    if !exports {
        trail.core().expect_no_ids();
    }
    exports.then(|| trail.install_tracing()).transpose().map_err(super::failure::failed)
}

/// The span that would be written into requests is the parent of the server's spans, so it must exist.
const NO_SPANS: &str = "[trace] inject = true writes the ids of spans into requests, and these spans are not exported ([trace] \
                        export = false, OTEL_TRACES_EXPORTER=none or OTEL_SDK_DISABLED=true); remove one of the two";
