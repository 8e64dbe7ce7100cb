//! A tracer whose audited spans begin at the times of their records.

use std::borrow::Cow;

use opentelemetry::Context;
use opentelemetry::trace::{Event, SpanBuilder, Tracer};

use crate::trail::{at, beginning};

/// A tracer around the one of `tracing-opentelemetry`'s layer, which reads its own clock for the start of a span.
/// With this tracer an audited span starts at the time of its record. Other spans are unchanged.
///
/// Made by [`Trail::timed_tracer`](crate::Trail::timed_tracer).
#[derive(Debug, Clone)]
pub struct TimedTracer<T>(pub(super) T);

impl<T: Tracer> Tracer for TimedTracer<T> {
    type Span = T::Span;

    /// The layer asks for a builder when a span is created, on that thread, and then sets its own start. So the
    /// correct start waits in the builder until the span is started, in a form that fits there: an event, in the list
    /// that the events of the records will use.
    fn span_builder<N: Into<Cow<'static, str>>>(&self, name: N) -> SpanBuilder {
        let name = name.into();
        let begun = beginning::take(&name);
        let mut builder = self.0.span_builder(name);
        if let Some(begun) = begun {
            let mut events = Vec::with_capacity(EVENTS);
            events.push(Event::new(BEGINS, at(begun), Vec::new(), 0));
            builder.events = Some(events);
        }
        builder
    }

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> T::Span {
        if let Some(events) = &mut builder.events
            && events.first().is_some_and(|event| event.name == BEGINS)
        {
            builder.start_time = Some(events.remove(0).timestamp);
        }
        self.0.build_with_context(builder, parent)
    }
}

/// No event with this name is exported.
const BEGINS: &str = "auditrail.begins";
/// The events of both records of a call, and of a moment in it.
const EVENTS: usize = 4;
