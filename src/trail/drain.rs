//! Ships what dead processes left in the journal, without waiting for the next start of the service.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::builder::TrailBuilder;
use super::handle::Trail;
use super::lifecycle::{AdoptionEvent, DrainedStream};
use super::start_error::StartError;
use crate::journal::JournalError;
use crate::record::StreamId;

/// The progress of a drain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrainProgress {
    /// Records that were found, plus those written to end the streams.
    pub records: u64,
    /// Those of them that are settled.
    pub settled: u64,
}

/// The result of a drain. `records = delivered + quarantined + lost + pending`.
#[derive(Debug)]
#[non_exhaustive]
pub struct DrainReport {
    /// The streams that were found, oldest first, and what was pending in each.
    pub found: Vec<DrainedStream>,
    /// Those of them that are drained.
    pub drained: Vec<StreamId>,
    /// The streams that cannot be read; see [`Inspection::check`](crate::journal::Inspection::check).
    pub unreadable_streams: Vec<(StreamId, JournalError)>,
    /// Records that every sink accepted.
    pub delivered: u64,
    /// Records that a sink refused for good; they are in quarantine.
    pub quarantined: u64,
    /// Records that were damaged or removed on disk; gap records report them.
    pub lost: u64,
    /// The stream with the records of the drain itself.
    pub own_stream: StreamId,
    /// Streams that were not visited in time; some of them may have living owners.
    pub unvisited_streams: usize,
    /// Something was found, or there is nothing.
    began: bool,
    /// All that is to be drained was found.
    looked: bool,
}

impl DrainReport {
    /// All records of the streams that were found.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.found.iter().map(|stream| stream.records).sum()
    }

    /// Records that are pending.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.records().saturating_sub(self.delivered + self.quarantined + self.lost)
    }

    /// Whether all streams that were found are drained.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.looked && self.drained.len() == self.found.len() && self.unreadable_streams.is_empty()
    }
}

/// Starts a trail with that builder, which adopts all streams in the directory that have no owner, waits until they are
/// drained or the timeout expires, and ends the trail. The trail's records `started` and `stopped` identify the drain, and its gap
/// records report what was missing. Whatever is not drained stays for the next time.
///
/// # Errors
/// [`StartError`], as for any trail.
pub fn drain(
    builder: TrailBuilder,
    timeout: Duration,
    mut progress: impl FnMut(DrainProgress),
) -> Result<DrainReport, StartError> {
    let begun = Instant::now();
    let (tell, told) = channel();
    let trail = builder.start_adopting(move |what| {
        // The drain is over for whoever does not listen any more.
        let _heard = tell.send(what);
    })?;
    let mut report = DrainReport {
        found: Vec::new(),
        drained: Vec::new(),
        unreadable_streams: Vec::new(),
        delivered: 0,
        quarantined: 0,
        lost: 0,
        own_stream: trail.core().recorder.journal.stream(),
        unvisited_streams: 0,
        began: false,
        looked: false,
    };
    trail.core().delivery.hurry();
    // The first streams are looked for however little time there is: that takes no collector.
    while listen(&told, &mut report) && (!report.began || begun.elapsed() < timeout) {
        report.count(&trail);
        let records = report.records();
        progress(DrainProgress { records, settled: records - report.pending() });
    }
    // Gap records about the streams are of this trail. What of them does not arrive waits in its own stream.
    let _arrived = trail.core().flush_blocking(timeout.saturating_sub(begun.elapsed()));
    while let Ok(what) = told.try_recv() {
        report.hear(what);
    }
    report.count(&trail);
    if !report.looked {
        report.unvisited_streams = trail.core().delivery.adopted.unvisited_streams();
    }
    Ok(report)
}

/// Says whether there is more to come.
fn listen(told: &Receiver<AdoptionEvent>, report: &mut DrainReport) -> bool {
    match told.recv_timeout(BETWEEN_LOOKS) {
        Ok(what) => report.hear(what),
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    true
}

impl DrainReport {
    fn hear(&mut self, what: AdoptionEvent) {
        match what {
            AdoptionEvent::Found(streams) => {
                self.found.extend(streams);
                self.began = true;
            }
            AdoptionEvent::Searched { unvisited } => {
                (self.unvisited_streams, self.looked) = (unvisited, unvisited == 0);
                self.began = true;
            }
            AdoptionEvent::Unreadable(stream, error) => self.unreadable_streams.push((stream, error)),
            AdoptionEvent::Ended(ended) => {
                let known = self.found.iter_mut().find(|known| known.stream == ended.stream);
                known.into_iter().for_each(|known| known.clone_from(&ended));
            }
            AdoptionEvent::Drained(stream) => self.drained.push(stream.stream),
        }
    }

    /// All that the shipper counts, but for the trail's own records.
    fn count(&mut self, trail: &Trail) {
        let own = trail.counts();
        let (delivered, quarantined) = trail.core().delivery.settled();
        self.delivered = delivered.saturating_sub(own.delivered);
        self.quarantined = quarantined.saturating_sub(own.quarantined);
        self.lost = trail.core().recorder.reporter.others_lost();
    }
}

/// For a progress bar.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
