//! An arbitrary configuration is read or refused, and no output repeats a value of the headers.

#![no_main]

use auditrail::config::{Environment, Overrides, Settings};
use libfuzzer_sys::fuzz_target;

/// Depending on what the fuzzer puts around it, it is the value of a header, a part of one, or a typing mistake.
const CANARY: &str = "hunter2-canary";

fuzz_target!(|input: (&str, &str, &str, &str)| {
    let (before, after, endpoint, resource) = input;
    if endpoint.contains(CANARY) || resource.contains(CANARY) {
        return; // These may be shown.
    }
    let headers = format!("{before}{CANARY}{after}");
    let environment = Environment::from_iter([
        ("OTEL_SERVICE_NAME", "fuzz"),
        ("OTEL_EXPORTER_OTLP_HEADERS", &headers),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_RESOURCE_ATTRIBUTES", resource),
    ]);
    assert_not_shown(&format!("{environment:?}"));
    match Settings::read(&Overrides::default(), &environment) {
        Ok(settings) => {
            // The name of a header is not secret.
            if !settings.logs.headers.iter().any(|(name, _)| name.as_str().contains(CANARY)) {
                assert_not_shown(&format!("{settings:?}"));
            }
        }
        Err(error) => {
            assert_not_shown(&error.to_string());
            assert_not_shown(&format!("{error:?}"));
        }
    }
});

fn assert_not_shown(text: &str) {
    assert!(!text.contains(CANARY), "a header is repeated: {text}");
}
