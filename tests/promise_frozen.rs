//! A disk that stands still, such as a frozen file system: nothing waits for it longer than its class says, omitted
//! records are reported, and everything resumes with the disk. No time is asserted: the proof is that a call returns
//! while the disk is still held.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "a test stops at what it did not expect, and shares modules with others"
)]

#[path = "frozen/appends.rs"]
mod appends;
#[path = "frozen/calls.rs"]
mod calls;
#[path = "support/held_fs.rs"]
mod held_fs;
#[path = "peers/mod.rs"]
mod peers;
#[path = "frozen/real.rs"]
mod real;
#[path = "suite/support.rs"]
mod support;

use std::process::ExitCode;

use self::peers::{own, trial_where};

fn main() -> ExitCode {
    peers::run(vec![
        own("appends_go_on_while_a_commit_syncs", appends::appends_go_on_while_a_commit_syncs),
        own("appends_go_on_while_a_segment_is_made", appends::appends_go_on_while_a_segment_is_made),
        own("a_thread_that_is_caught_holds_up_nobody", appends::a_thread_that_is_caught_holds_up_nobody),
        own("what_was_left_stays_nowhere", appends::what_was_left_stays_nowhere),
        own("who_writes_first_after_a_pause_is_not_caught", appends::who_writes_first_after_a_pause_is_not_caught),
        own("no_call_waits_longer_than_its_class_says", calls::no_call_waits_longer_than_its_class_says),
        own("a_trail_ends_while_the_disk_stands_still", calls::a_trail_ends_while_the_disk_stands_still),
        trial_where(real::NAME, real::can_freeze, |()| real::a_frozen_file_system_holds_up_nobody()),
    ])
}
