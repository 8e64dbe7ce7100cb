use std::time::{Duration, SystemTime};

use super::*;

/// The right side is what `date -u -d @SECONDS +%FT%TZ` of GNU coreutils prints.
#[test]
fn times_read_as_coreutils_prints_them() {
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_078_012_800, "2004-02-29T00:00:00Z"),
        (1_796_082_600, "2026-11-30T23:50:00Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
        (253_402_300_800, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text, "{seconds}");
    }
    assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
}
