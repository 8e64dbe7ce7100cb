//! `install_tracing` proves at its start that audited spans reach the layer, and fails with the reason if not.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use auditrail::Trail;
use auditrail::capture::telemetry::TelemetryError;
use auditrail::config::Environment;

#[test]
fn the_self_test_fails_where_audited_spans_do_not_reach_the_layer() {
    let trail = Trail::builder("weather").environment(Environment::default()).on_notice(|_| ()).start().unwrap();
    // Somebody's scoped subscriber hides everything on this thread.
    let _scope = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new());
    let error = trail.install_tracing().unwrap_err();
    assert!(matches!(error, TelemetryError::Blind { .. }));
    let message = error.to_string();
    assert!(message.contains("did not reach the audit layer") && message.contains("scoped subscriber"), "{message}");
}
