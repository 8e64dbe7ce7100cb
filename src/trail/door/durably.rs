//! Records an event as safely as a call: with room kept for it, and until it is as durable as its class wants.

use std::time::Instant;

use super::write::WriteTerms;
use crate::config::Auditing;
use crate::journal::{Admission, JournalError, Receipt};
use crate::record::RecordId;
use crate::trail::calls::{Class, Moment, WhenFull};
use crate::trail::core::Core;
use crate::trail::recording::{BLOCKING_PATIENCE, Cause, NotTaken, RETRY_INTERVAL};

/// An event is not recorded as its class wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRecorded {
    /// The journal did not take it. It is counted, and a gap record reports it.
    #[error("the event was not recorded: {reason}; see the notices of the trail for what to do")]
    NotTaken {
        /// Why.
        reason: String,
    },
    /// It is in the journal and will be delivered, but it is not as durable as its class wants.
    #[error("record {id} is in the journal, but not as durable as its class wants: {reason}")]
    NotDurable {
        /// The record.
        id: RecordId,
        /// What is missing.
        reason: String,
    },
}

impl Core {
    /// Writes the one record of a moment, and waits until it is as durable as its class wants.
    pub(in crate::trail) async fn record_durably(&self, moment: Moment) -> Result<RecordId, NotRecorded> {
        let class = moment.class.unwrap_or(self.class);
        if self.recorder.is_off {
            return self.not_audited(class);
        }
        let bytes = Self::bytes_of_moment(&moment);
        let moment = self.limited(moment);
        let begun = Instant::now();
        self.moves(class).await;
        let kept = match self.admit(class, bytes).await {
            Ok(kept) => kept,
            Err(error) => return Err(self.not_taken(&error)),
        };
        let receipt = self.write_in_time(&moment, class, kept.as_ref(), begun).await?;
        let acknowledged = self.acknowledged(class, receipt).await;
        acknowledged.map_err(|error| NotRecorded::NotDurable { id: moment.id, reason: error.to_string() })?;
        Ok(moment.id)
    }

    /// Writes it as soon as the disk takes it, within the deadline of the class.
    async fn write_in_time(
        &self,
        moment: &super::write::LimitedMoment,
        class: Class,
        kept: Option<&Admission>,
        begun: Instant,
    ) -> Result<Receipt, NotRecorded> {
        loop {
            let terms = WriteTerms { kept, patience: BLOCKING_PATIENCE, handed: class.may_hold() };
            let error = match self.try_write_moment(moment, Some(terms)) {
                Ok(receipt) => return Ok(receipt),
                Err(NotTaken::Counted | NotTaken::Suppressed) => {
                    let reason = "the journal has no room, or cannot be written".to_owned();
                    return Err(NotRecorded::NotTaken { reason });
                }
                Err(NotTaken::Stalled(error)) => error,
            };
            let left = self.left_to_wait(class, begun);
            if left.is_zero() || self.is_inherited() {
                return Err(self.not_taken(&error));
            }
            self.moves(Class { deadline: left.min(RETRY_INTERVAL), when_full: WhenFull::Wait, ..class }).await;
        }
    }

    /// Auditing is switched off, and events are as calls: what may go on unrecorded goes on, with the id of no record.
    fn not_audited(&self, class: Class) -> Result<RecordId, NotRecorded> {
        if class.when_full == WhenFull::Shed || self.context.settings.auditing == Auditing::OffForAll {
            Ok(self.recorder.new_id_at(self.clock().unix_nano()))
        } else {
            Err(NotRecorded::NotTaken { reason: "auditing is switched off".to_owned() })
        }
    }

    /// Counts what was not taken.
    fn not_taken(&self, error: &JournalError) -> NotRecorded {
        self.recorder.left_out(Cause::Refused, Some(error));
        NotRecorded::NotTaken { reason: error.to_string() }
    }
}
