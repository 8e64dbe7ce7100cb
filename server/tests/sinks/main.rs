//! Records without a collector: files that several processes write, processes that are killed, `auditrail tail`, the proxy's
//! `[sink]`; and the real collector, which reads our lines and writes its own.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

#[path = "../../../tests/support/child.rs"]
mod child;
mod collector;
#[path = "../../../tests/peers/mod.rs"]
mod peers;
mod processes;
mod proxy;
mod rig;
mod tail;

use std::process::ExitCode;

use self::peers::{Peer, own, trial};

fn main() -> ExitCode {
    if rig::is_writer() {
        rig::write();
    }
    peers::run(vec![
        trial("the_collector_reads_our_lines_and_writes_the_same", &[Peer::Collector], collector::agrees),
        own("processes_that_share_a_file_write_whole_lines", processes::share_a_file),
        own("what_a_killed_process_acknowledged_is_in_the_file", processes::are_killed),
        own("a_process_writes_to_standard_error_and_not_to_standard_output", processes::write_to_standard_error),
        own("a_file_is_printed_as_a_table_as_json_and_as_otlp", tail::prints_a_file),
        own("records_are_chosen_by_tool_actor_and_outcome", tail::filters),
        own("a_file_is_followed_through_its_rotations", tail::follows_a_file),
        own("a_journal_is_followed_while_it_is_written_and_stays_as_it_is", tail::follows_a_journal),
        own("no_value_is_a_command_to_a_terminal", tail::is_harmless),
        own("a_reader_that_leaves_and_a_source_that_is_none", tail::ends),
        own("the_proxy_writes_to_a_file_without_a_collector", proxy::writes_to_a_file),
        own("the_proxy_that_is_switched_off_says_so", proxy::is_switched_off),
        own("a_mistake_in_the_files_sinks_is_told_with_its_line", proxy::tells_mistakes),
        own("what_waits_for_a_collector_does_not_start_without_one", proxy::refuses_remote),
    ])
}
