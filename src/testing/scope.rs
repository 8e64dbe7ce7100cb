//! Subscribers for annotated spans.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use super::test_trail::TestTrail;

impl TestTrail {
    /// A subscriber with the audit layer of this trail and an OTel layer without an exporter, so that records have the ids of
    /// their spans. For futures: `tracing::instrument::WithSubscriber::with_subscriber(future, trail.subscriber())`.
    pub fn subscriber(&self) -> impl Subscriber + Send + Sync + 'static {
        let tracer = self.timed_tracer(SdkTracerProvider::default().tracer("auditrail-testing"));
        let otel = tracing_opentelemetry::layer().with_tracer(tracer);
        tracing_subscriber::registry().with(self.layer()).with(otel)
    }

    /// Runs something with [`subscriber`](Self::subscriber) as the subscriber of this thread.
    pub fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(self.subscriber(), run)
    }

    /// Sets [`subscriber`](Self::subscriber) as the subscriber of this thread until the guard is dropped: for
    /// `#[tokio::test]`, which runs the tasks of a test on one thread.
    #[must_use = "dropping it removes the subscriber"]
    pub fn set_default(&self) -> DefaultGuard {
        tracing::subscriber::set_default(self.subscriber())
    }
}
