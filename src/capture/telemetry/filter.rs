//! Which spans and events reach which layer. The filters are per layer, so that the filter of one cannot blind
//! another.

use std::sync::Arc;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, filter_fn};

use crate::capture::layer::{is_rmcp, is_wanted};
use crate::trail::Core;

/// Records: exactly the relevant call sites, at any level.
pub(super) fn of_records(core: Arc<Core>) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(move |metadata| is_wanted(metadata, &core))
}

/// Traces: INFO and above, without the transports and without rmcp, whose spans and events contain whole messages.
pub(super) fn of_traces() -> FilterFn {
    filter_fn(|metadata| {
        let target = metadata.target();
        let root = target.split("::").next().unwrap_or_default();
        *metadata.level() <= Level::INFO && !is_rmcp(target) && !TRANSPORTS.contains(&root)
    })
}

const TRANSPORTS: [&str; 9] = [
    "h2",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "reqwest",
    "tonic",
    "tower",
];
