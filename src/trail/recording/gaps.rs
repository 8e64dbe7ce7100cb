//! Counts records that the journal did not accept, warns once per episode, and reports them by gap records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::config::Notices;
use crate::journal::JournalError;
use crate::locks::Mutex;
use crate::trail::identity::ClientKey;
use crate::trail::records::Gap;

/// Counters of what is missing, and of how much of it gap records have told.
#[derive(Debug, Default)]
pub(in crate::trail) struct Gaps {
    refused: Missing,
    shed: Missing,
    /// What was left out before the records of others, by client.
    of_clients: Mutex<BTreeMap<String, Untold>>,
    episode: AtomicBool,
}

/// `auditrail.gap.cause` of records that got no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trail) enum Cause {
    /// The journal could not take them.
    Refused,
    /// They were left out so that others have room.
    Shed,
}

#[derive(Debug, Default)]
struct Missing {
    count: AtomicU64,
    untold: Mutex<Untold>,
}

/// How many are missing, and from when to when, in nanoseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Untold {
    count: u64,
    since: u64,
    until: u64,
}

impl Gaps {
    /// All that were refused, those that were shed among them.
    pub(in crate::trail) fn refused(&self) -> u64 {
        self.refused.count.load(Ordering::Relaxed) + self.shed.count.load(Ordering::Relaxed)
    }

    /// Counts one record that is not in the journal.
    pub(in crate::trail) fn refuse(&self, notices: &Notices, cause: Cause, error: Option<&JournalError>, now: u64) {
        let missing = self.of(cause);
        missing.count.fetch_add(1, Ordering::Relaxed);
        missing.untold.lock().note(now);
        if !self.episode.swap(true, Ordering::Relaxed) {
            notices.warn(match error {
                Some(JournalError::Closed) => ENDED.to_owned(),
                Some(error) => format!("audit records are being left out: {error}; a gap record will tell how many"),
                None => format!("audit records are being left out: {NEARLY_FULL}; a gap record will tell how many"),
            });
        }
    }

    /// Counts one record that is left out before those of others, of that client if it is known.
    pub(in crate::trail) fn shed_of(&self, notices: &Notices, client: Option<&ClientKey>, now: u64) {
        self.shed.count.fetch_add(1, Ordering::Relaxed);
        {
            let mut of_clients = self.of_clients.lock();
            let client = client.map(named).unwrap_or_default();
            let is_one_too_many = of_clients.len() >= MOST_NAMED && !of_clients.contains_key(&client);
            of_clients.entry(if is_one_too_many { String::new() } else { client }).or_default().note(now);
        }
        if !self.episode.swap(true, Ordering::Relaxed) {
            notices.warn(FILLING);
        }
    }

    /// Whether any were left out so that no record has told.
    pub(in crate::trail) fn has_of_clients(&self) -> bool {
        !self.of_clients.lock().is_empty()
    }

    /// The journal took one, and has room for more: what is missing can be told now. Cheap when nothing is.
    pub(in crate::trail) fn taken(&self, notices: &Notices, has_room: impl FnOnce() -> bool) -> Vec<Gap> {
        if !self.episode.load(Ordering::Relaxed) || !has_room() || !self.episode.swap(false, Ordering::Relaxed) {
            return Vec::new();
        }
        notices.recovered("audit records are taken again");
        self.untold()
    }

    /// What no record has told yet.
    pub(in crate::trail) fn untold(&self) -> Vec<Gap> {
        let take = |cause: Cause, text| {
            let mut untold = self.of(cause).untold.lock();
            let untold = std::mem::take(&mut *untold);
            (untold.count > 0).then(|| Gap::without_numbers(text, untold.count, (untold.since, untold.until)))
        };
        let of_clients = std::mem::take(&mut *self.of_clients.lock());
        let of_clients = of_clients.into_iter().map(|(client, untold)| Gap {
            client: Some(client).filter(|client| !client.is_empty()),
            ..Gap::without_numbers("shed", untold.count, (untold.since, untold.until))
        });
        [take(Cause::Refused, "refused"), take(Cause::Shed, "shed")].into_iter().flatten().chain(of_clients).collect()
    }

    const fn of(&self, cause: Cause) -> &Missing {
        match cause {
            Cause::Refused => &self.refused,
            Cause::Shed => &self.shed,
        }
    }
}

impl Untold {
    pub(super) fn note(&mut self, now: u64) {
        if self.count == 0 {
            self.since = now;
        }
        self.count += 1;
        self.until = now;
    }

    pub(super) fn told(&self) -> (u64, u64, u64) {
        (self.count, self.since, self.until)
    }
}

/// Its name, short enough for a record that must never be too long: how long an id is, nobody but its issuer knows. Clients that
/// begin alike are told of as one.
fn named(client: &ClientKey) -> String {
    let mut name = client.to_string();
    if name.len() > LONGEST_NAME {
        let end = (0..=LONGEST_NAME).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.truncate(end);
        name.push('…');
    }
    name
}

/// Bytes of a client's name in a gap record.
const LONGEST_NAME: usize = 256;
/// Of how many clients it is told by name.
const MOST_NAMED: usize = 64;
const FILLING: &str = "audit records of clients that send more than others, and of what is no message, are being left out, as \
                      the journal fills; a gap record for each will tell how many; see why the collector does not take records, or raise \
                      AUDITRAIL_JOURNAL_MAX_BYTES";
const ENDED: &str = "audit records are being left out: the trail has ended with its last handle; keep one until the last call \
                     is over";
const NEARLY_FULL: &str = "the journal is nearly full, and its last room is kept for calls that must not run unrecorded; see why \
                           the collector does not take records, or raise AUDITRAIL_JOURNAL_MAX_BYTES";

#[cfg(test)]
mod tests;
