//! A tracer whose audited spans begin when their records do.

use std::borrow::Cow;

use opentelemetry::Context;
use opentelemetry::trace::{Event, SpanBuilder, Tracer};

use crate::trail::{at, beginning};

/// Wraps the tracer of `tracing-opentelemetry`'s layer, which reads a clock of its own for the start of a span: that of an
/// audited span is the time of its record instead. It changes no other span.
///
/// [`Trail::timed_tracer`](crate::Trail::timed_tracer) makes it.
#[derive(Debug, Clone)]
pub struct TimedTracer<T>(pub(super) T);

impl<T: Tracer> Tracer for TimedTracer<T> {
    type Span = T::Span;

    /// The layer asks for a builder when a span is made, on the thread where it is made, and sets its own start then. So the
    /// true one waits in the builder until the span is started, as what fits there: an event, in the place in which the
    /// events of the records will be.
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

/// No event of this name leaves.
const BEGINS: &str = "auditrail.begins";
/// Those of both records of a call, and of a moment in it.
const EVENTS: usize = 4;
