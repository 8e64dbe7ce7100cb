//! Keeps the events that a journal reports to its watcher.

use std::sync::Mutex;

use auditrail::journal::{Event, Watcher};

#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) Mutex<Vec<Event>>);

impl Watcher for Told {
    fn happened(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}
