//! The path of every export, for both protocols: wait for a turn, slice and check, then hold all of it.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{error::ReceiveError, request};
use crate::record::{Clock as _, SystemClock};
use crate::serve::received::Received;

/// The content of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
}

/// Accepts exports.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    received: Received,
    message_bytes: usize,
    turns: Arc<Semaphore>,
}

impl Intake {
    pub(crate) fn new(received: Received, message_bytes: usize) -> Self {
        Self { received, message_bytes, turns: Arc::new(Semaphore::new(MAX_UNDER_WAY)) }
    }

    pub(crate) fn received(&self) -> Received {
        self.received.clone()
    }

    /// The size limit of an export, in bytes after decompression.
    pub(crate) fn message_bytes(&self) -> usize {
        self.message_bytes
    }

    /// Runs the work of one export when it is its turn, within the time limit of an export. A waiting client is held
    /// back by its protocol's flow control, and one that does not send what it announced loses its turn.
    pub(crate) async fn in_turn<W: Future>(&self, work: W) -> Result<W::Output, ReceiveError> {
        let turn_and_work = async {
            let _turn = self.turns.acquire().await.map_err(|_closed| ReceiveError::Stopping)?;
            Ok(work.await)
        };
        match tokio::time::timeout(MAX_TIME, turn_and_work).await {
            Ok(done) => done,
            Err(_elapsed) => Err(ReceiveError::Slow { within: MAX_TIME }),
        }
    }

    /// Holds all of an export, or nothing of it if any part has a mistake.
    pub(crate) fn accept(&self, signal: Signal, request: &[u8]) -> Result<(), ReceiveError> {
        let now = SystemClock.unix_nano();
        match signal {
            Signal::Logs => self.received.take_records(request::records(request, now)?),
            Signal::Traces => self.received.take_spans(request::spans(request, now)?),
        }
        Ok(())
    }
}

/// The number of exports whose bytes are in memory at one time, which limits memory to this many of the largest
/// messages.
const MAX_UNDER_WAY: usize = 32;
/// Longer than the 10 s after which OTLP exporters give up.
const MAX_TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
