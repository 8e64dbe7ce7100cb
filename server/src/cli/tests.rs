use std::time::Duration;

use clap::CommandFactory as _;

use super::args::Arguments;
use super::shown::{age, bytes, plain, time};
use crate::config::duration;

#[test]
fn the_arguments_are_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn times_are_read_with_their_unit_or_not_at_all() {
    assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
    assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
    assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
    for wrong in ["", "5", "s", "-1s", "1.5s", "5 m", "1d", "99999999999999999999s", "9999999h"] {
        assert!(duration(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn times_are_shown_as_rfc_3339() {
    for (unix, shown) in [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (951_782_399_999_999_999, "2000-02-28T23:59:59.999999999Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
        (1_709_251_200_000_000_001, "2024-03-01T00:00:00.000000001Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
        (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
    ] {
        assert_eq!(time(unix), shown);
    }
}

#[test]
fn sizes_and_ages_have_the_unit_that_matters() {
    assert_eq!([bytes(0), bytes(1023), bytes(1024), bytes(1536)], ["0 B", "1023 B", "1.0 KiB", "1.5 KiB"]);
    assert_eq!([bytes(8 << 20), bytes(u64::MAX)], ["8.0 MiB", "16777215.9 TiB"]);
    assert_eq!(age(Duration::from_secs(119)), "119 s");
    assert_eq!(age(Duration::from_secs(7199)), "119 min");
    assert_eq!(age(Duration::from_secs(86_400 * 3)), "3 days");
}

#[test]
fn what_others_said_commands_no_terminal() {
    assert_eq!(plain("a\u{1b}[2Jb\nc\u{9b}d é"), "a\\u{1b}[2Jb\\nc\\u{9b}d é");
}
