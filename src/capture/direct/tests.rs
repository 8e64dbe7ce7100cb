//! Times, and that a class is a name.

use std::time::{Duration, UNIX_EPOCH};

use super::rfc3339::utc;
use crate::record::error_type;

/// Values of `date -u -d @N`.
#[test]
fn times_are_written_in_utc() {
    for (seconds, expected) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399, "2000-02-28T23:59:59.000Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
        (1_709_251_199, "2024-02-29T23:59:59.000Z"),
        (1_796_070_896, "2026-11-30T20:34:56.000Z"),
        (4_102_444_800, "2100-01-01T00:00:00.000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000Z"),
    ] {
        assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
    }
    assert_eq!(utc(UNIX_EPOCH + Duration::from_millis(1_001)), "1970-01-01T00:00:01.001Z");
    assert_eq!(utc(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
}

#[test]
fn a_text_is_not_a_class() {
    assert_eq!(error_type::class("expired".into()), "expired");
    for text in ["Bearer canary", "", "ü", &"x".repeat(65)] {
        assert_eq!(error_type::class(text.to_owned().into()), "_OTHER", "{text}");
    }
}
