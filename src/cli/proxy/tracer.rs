//! The tracer, where calls are to be spans.

use super::super::Failure;
use super::Configuration;
use crate::Trail;

/// What exports the spans, and is to be dropped with the trail.
#[cfg(feature = "layer")]
pub(super) type Tracer = crate::capture::telemetry::Telemetry;
#[cfg(not(feature = "layer"))]
pub(super) type Tracer = ();

/// Installs it if the configuration asks for it. Otherwise calls have no spans, and nobody is told of their ids.
#[cfg(feature = "layer")]
pub(super) fn install(configuration: &Configuration, trail: &Trail) -> Result<Option<Tracer>, Failure> {
    if !configuration.file.trace.inject {
        trail.core().expect_no_ids();
    }
    configuration.file.trace.inject.then(|| trail.install_tracing()).transpose().map_err(super::failed)
}

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
