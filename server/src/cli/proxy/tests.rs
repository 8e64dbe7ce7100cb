use std::fs;

use auditrail::config::{QuarantineFull, QuarantineSettings};
use clap::Parser as _;

use super::super::args::{Arguments, Command};
use super::config::Configuration;

/// What the file says of the quarantine is what the trail goes by.
#[test]
fn the_quarantine_of_the_file_is_that_of_the_trail() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("auditrail.toml");
    let text = format!(
        "service_name = \"files\"\n[otlp]\nendpoint = \"http://127.0.0.1:9\"\n[journal]\ndirectory = {:?}\nflush_timeout = \"1ms\"\n\
         quarantine_max_bytes = 2097152\nquarantine_when_full = \"refuse\"\n",
        directory.path().join("state")
    );
    fs::write(&file, text).unwrap();
    let words = ["auditrail", "proxy", "--config", file.to_str().unwrap(), "--", "cat"];
    let Command::Proxy(arguments) = Arguments::try_parse_from(words).unwrap().command else { panic!("{words:?}") };
    let configuration = Configuration::find(&arguments).unwrap();
    let trail = configuration.trail().on_notice(|_| ()).start().unwrap();
    let expected = QuarantineSettings { max_bytes: 2 << 20, when_full: QuarantineFull::Refuse };
    assert_eq!(trail.settings().quarantine, expected);
    drop(trail);
    let shown = configuration.shown().unwrap();
    assert!(shown.contains("quarantine_max_bytes = 2097152"), "{shown}");
    assert!(shown.contains("quarantine_when_full = \"refuse\""), "{shown}");
}
