use std::time::Duration;

use super::FlushError;

#[test]
fn an_unfinished_flush_says_what_waits_and_what_the_collector_said() {
    let plain = FlushError {
        pending: 3,
        pending_of_earlier: 0,
        unvisited_streams: 0,
        unreadable_streams: 0,
        deadline: Duration::from_millis(1200),
        last_refusal: Some("HTTP 404".into()),
        is_forked_child: false,
    };
    let text = "3 audit record(s) were not delivered within 1.2s; the last request was not taken: HTTP 404";
    assert_eq!(plain.to_string(), text);
    let all = FlushError { pending_of_earlier: 2, unvisited_streams: 4, unreadable_streams: 1, ..plain };
    let text = "3 audit record(s) were not delivered within 1.2s, 2 of them of earlier processes, and up to 4 stream(s) \
                of earlier processes were not looked at; 1 stream(s) of earlier processes cannot be read and were left alone; the \
                last request was not taken: HTTP 404";
    assert_eq!(all.to_string(), text);
}
