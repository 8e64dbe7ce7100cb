//! Limits notices of one kind: the first ones of a minute are printed, the rest is counted.
//!
//! Invariants:
//! 1. At most [`MOST`] notices of one kind are printed within [`MINUTE`], and then one with the number of the others.
//! 2. No notice is forgotten: the count is printed when the minute is over, or at the end.
//! 3. The count comes with the last of the suppressed notices, so that it describes the current state.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::notice::{Notice, NoticeKind};

#[derive(Debug, Default)]
pub(crate) struct Flood(HashMap<NoticeKind, Window>);

/// A minute of one kind.
#[derive(Debug)]
struct Window {
    since: Instant,
    told: u32,
    held: u64,
    last: Option<Notice>,
}

impl Flood {
    /// The notices to print now that there is one more.
    pub(crate) fn take(&mut self, kind: NoticeKind, notice: Notice, now: Instant) -> Vec<Notice> {
        let window = self.0.entry(kind).or_insert_with(|| Window::new(now));
        let mut due = Vec::new();
        if window.is_over(now) {
            due.extend(window.summary());
            *window = Window::new(now);
        }
        if window.told < MOST {
            window.told += 1;
            due.push(notice);
        } else {
            (window.held, window.last) = (window.held + 1, Some(notice));
        }
        due
    }

    /// The suppressed notices of minutes that are over, or of all minutes.
    pub(crate) fn due(&mut self, now: Option<Instant>) -> Vec<Notice> {
        let over = self.0.values_mut().filter(|window| now.is_none_or(|now| window.is_over(now)));
        over.filter_map(Window::summary).collect()
    }

    /// The end of the first minute in which a notice was suppressed.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.values().filter(|window| window.held > 0).map(|window| window.since + MINUTE).min()
    }
}

impl Window {
    fn new(since: Instant) -> Self {
        Self { since, told: 0, held: 0, last: None }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= MINUTE
    }

    fn summary(&mut self) -> Option<Notice> {
        let (Notice { level, text }, held) = (self.last.take()?, std::mem::take(&mut self.held));
        let others = match held {
            1 => "one more of this kind came within a minute".to_owned(),
            held => format!("{held} more of this kind came within a minute, and this is the last"),
        };
        Some(Notice { level, text: format!("{text} ({others})") })
    }
}

/// More than an operator can act on within a minute.
const MOST: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::notices::notice::NoticeLevel;

    const A: NoticeKind = NoticeKind("a", 1, 1);
    const B: NoticeKind = NoticeKind("b", 1, 1);

    fn notice(number: u64) -> Notice {
        Notice { level: NoticeLevel::Warning, text: format!("no. {number}") }
    }

    fn texts(notices: Vec<Notice>) -> Vec<String> {
        notices.into_iter().map(|notice| notice.text).collect()
    }

    #[test]
    fn invariants_1_to_3_a_flood_is_some_lines_and_a_count() {
        let (mut flood, start) = (Flood::default(), Instant::now());
        let told: Vec<_> = (1..=20_000).flat_map(|number| texts(flood.take(A, notice(number), start))).collect();
        assert_eq!(told.len(), 10);
        assert_eq!(texts(flood.take(B, notice(1), start)), ["no. 1"], "another kind is another matter");
        assert_eq!(flood.next(), Some(start + MINUTE));
        assert!(flood.due(Some(start + MINUTE / 2)).is_empty());
        let later = start + MINUTE;
        let summary = "no. 20000 (19990 more of this kind came within a minute, and this is the last)";
        assert_eq!(texts(flood.due(Some(later))), [summary]);
        assert_eq!((flood.next(), flood.due(None)), (None, Vec::new()), "it is told once");
        assert_eq!(texts(flood.take(A, notice(1), later)), ["no. 1"]);
    }

    #[test]
    fn what_is_held_back_is_told_before_the_next_and_at_the_end() {
        let (mut flood, start) = (Flood::default(), Instant::now());
        for number in 0..11 {
            flood.take(A, notice(number), start);
            flood.take(B, notice(number), start);
        }
        let next = texts(flood.take(A, notice(99), start + MINUTE));
        assert_eq!(next, ["no. 10 (one more of this kind came within a minute)", "no. 99"]);
        assert_eq!(texts(flood.due(None)), ["no. 10 (one more of this kind came within a minute)"]);
    }
}
