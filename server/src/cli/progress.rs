//! A progress bar for long work, if standard error is a terminal.

use std::io::{self, Write as _};

use auditrail::config::{Notice, NoticeLevel};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar on standard error, invisible if that is not a terminal.
#[derive(Debug, Clone)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn of_bytes(what: &'static str) -> Self {
        Self::new(what, "{msg} [{wide_bar}] {bytes} of {total_bytes}")
    }

    pub(super) fn of_records(what: &'static str) -> Self {
        Self::new(what, "{msg} [{wide_bar}] {pos} of {len} record(s)")
    }

    fn new(what: &'static str, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        // A template that cannot be parsed would leave the default one.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar.with_message(what))
    }

    pub(super) fn at(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done);
    }

    /// Prints a notice on standard error without damaging the bar.
    pub(super) fn notice(&self, notice: &Notice) {
        let level = match notice.level {
            NoticeLevel::Warning => "warning",
            NoticeLevel::Recovered => "recovered",
        };
        self.0.suspend(|| drop(writeln!(io::stderr(), "auditrail: {level}: {}", notice.text)));
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
