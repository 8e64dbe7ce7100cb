//! The tracer: calls are spans, unless the operator wants none.

use super::config::Configuration;
use crate::Trail;
use crate::cli::outcome::Failure;

/// Exports the spans; dropped with the trail.
#[cfg(feature = "layer")]
pub(super) type Tracer = crate::capture::telemetry::Telemetry;
#[cfg(not(feature = "layer"))]
#[derive(Debug)]
pub(super) enum Tracer {}

/// Installs it, unless it is turned off.
#[cfg(feature = "layer")]
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

/// What would be written into requests is the parent of all that the server does: nobody may look for it in vain.
#[cfg(feature = "layer")]
const NO_SPANS: &str = "[trace] inject = true writes the ids of spans into requests, and these spans are not exported ([trace] \
                        export = false, OTEL_TRACES_EXPORTER=none or OTEL_SDK_DISABLED=true); remove one of the two";

#[cfg(not(feature = "layer"))]
pub(super) fn install(configuration: &Configuration, trail: &Trail) -> Result<Option<Tracer>, Failure> {
    trail.core().expect_no_ids();
    match configuration.file.trace.inject {
        true => Err(Failure::usage(NO_TRACER)),
        false => Ok(None),
    }
}

#[cfg(not(feature = "layer"))]
const NO_TRACER: &str = "[trace] inject = true needs spans, and auditrail was built without its feature layer; enable that, \
                         or remove the key";
