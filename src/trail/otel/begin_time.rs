//! When the audited span begins that is being made on this thread, for the tracer that gives the OTel span the same begin.
//!
//! `tracing-opentelemetry` reads a clock of its own when a span is made, and there is no way to tell it another time but by
//! the tracer that it asks for a builder meanwhile
//! ([`TimedTracer`](crate::capture::telemetry::TimedTracer)).
//!
//! Invariant: what is told here is taken by the OTel span of exactly that `tracing` span, or by none. It is told before the
//! OTel layer sees the span, and forgotten when the next span is made.

use std::cell::Cell;

/// What is told of a span that is being made.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "layer"), expect(dead_code, reason = "only the OTel layer is told the time"))]
struct SpanBegin {
    /// As its call site has it.
    name: &'static str,
    /// Its id in the registry; `None` while it has none.
    id: Option<u64>,
    unix_nano: u64,
}

thread_local!(static PENDING: Cell<Option<SpanBegin>> = const { Cell::new(None) });

/// Tells of a span that is made while `make` runs.
pub(in crate::trail) fn during<T>(name: &'static str, unix_nano: u64, make: impl FnOnce() -> T) -> T {
    set(Some(SpanBegin { name, id: None, unix_nano }));
    let made = make();
    set(None);
    made
}

/// Tells of a span that the layers are being told of.
#[cfg(feature = "layer")]
#[inline]
pub(crate) fn tell(name: &'static str, id: u64, unix_nano: u64) {
    set(Some(SpanBegin { name, id: Some(id), unix_nano }));
}

/// The span of that id is being made: what was told of another has found no taker.
#[cfg(feature = "layer")]
#[inline]
pub(crate) fn check(id: u64) {
    let is_another = |told: Option<SpanBegin>| told.is_some_and(|told| told.id.is_some_and(|other| other != id));
    if PENDING.try_with(|told| is_another(told.get())).unwrap_or_default() {
        set(None);
    }
}

/// What was told of the span of that name, taken.
#[cfg(feature = "layer")]
#[inline]
pub(crate) fn take(name: &str) -> Option<u64> {
    let told = PENDING.try_with(Cell::get).ok().flatten().filter(|told| told.name == name)?;
    set(None);
    Some(told.unix_nano)
}

/// At the end of a thread nothing can be told.
#[inline]
fn set(told: Option<SpanBegin>) {
    PENDING.try_with(|cell| cell.set(told)).unwrap_or_default();
}
