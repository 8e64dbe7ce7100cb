//! `install_tracing` proves at its start that audited spans reach the layer, and fails with the reason if not; and it says
//! so when spans come by and none of them is audited.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::{Arc, Mutex};

use auditrail::Trail;
use auditrail::capture::telemetry::TelemetryError;
use auditrail::config::Environment;

#[test]
fn the_self_test_fails_where_audited_spans_do_not_reach_the_layer() {
    let said = Arc::<Mutex<Vec<String>>>::default();
    let lines = said.clone();
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("weather")
        .directory(directory.path())
        .environment(Environment::default())
        .flush_timeout(std::time::Duration::from_millis(10))
        .on_notice(move |notice| lines.lock().unwrap().push(notice.text.clone()))
        .start()
        .unwrap();
    // Somebody's scoped subscriber hides everything on this thread.
    let scope = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new());
    let error = trail.install_tracing().unwrap_err();
    assert!(matches!(error, TelemetryError::Blind { .. }));
    let message = error.to_string();
    assert!(message.contains("did not reach the audit layer") && message.contains("scoped subscriber"), "{message}");

    drop(scope);
    for _ in 0..250 {
        tracing::info_span!("plain").in_scope(|| ());
    }
    let said = said.lock().unwrap().clone();
    // Nobody listens at the default endpoint, which is told, too, as soon as the trail has tried.
    let said: Vec<_> = said.iter().filter(|text| !text.contains("does not take audit records")).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("100 span(s) have closed and none of them was audited"), "{said:?}");
}
