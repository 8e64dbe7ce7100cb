//! The records that a trail writes about itself: that it started or stopped, that something fails, that records are missing.

use super::counts::RecordCounts;
use crate::record::{Encoder, EventName, Outcome, RecordId, SpanIds, Status, StreamId, error_type, names};
use crate::ship::RefusedRange;

/// A record of the trail about itself.
#[derive(Debug, Clone)]
pub(in crate::trail) enum Lifecycle {
    /// The first record of a stream.
    Started {
        /// `service.*` of the resource.
        service: Vec<(&'static str, String)>,
        /// The stream that was begun in the directory before.
        previous: Option<StreamId>,
    },
    /// The only record of a stream whose process does not audit.
    Disabled {
        /// `service.*` of the resource.
        service: Vec<(&'static str, String)>,
        /// The stream that was begun in the directory before.
        previous: Option<StreamId>,
    },
    /// The last record of a stream that ended as it should.
    Stopped(RecordCounts),
    /// The last record of a stream whose process died, written by whoever adopted it.
    Interrupted,
    /// The numbers of a stream that goes on.
    Running(RecordCounts),
    /// Something does not work.
    Degraded(&'static str),
    /// It works again.
    Recovered(&'static str),
    /// Records are missing.
    Gap(Gap),
    /// A policy comes into force.
    Policy(PolicyRecord),
}

/// Which policy comes into force.
#[derive(Debug, Clone)]
pub(in crate::trail) struct PolicyRecord {
    pub(in crate::trail) id: String,
    pub(in crate::trail) digest: String,
    /// The digest of the one before it, which it replaces.
    pub(in crate::trail) previous: Option<String>,
}

/// Which records are missing.
#[derive(Debug, Clone)]
pub(in crate::trail) struct Gap {
    pub(in crate::trail) cause: &'static str,
    pub(in crate::trail) count: u64,
    /// How many records the count is of, where nobody knows which.
    pub(in crate::trail) of: Option<u64>,
    /// Sequence numbers, where there are any.
    pub(in crate::trail) range: Option<(u64, u64)>,
    /// Nanoseconds since 1970, where there are no numbers.
    pub(in crate::trail) times: Option<(u64, u64)>,
    pub(in crate::trail) stream: Option<StreamId>,
    /// Whose they were, where one had more than its share.
    pub(in crate::trail) client: Option<String>,
    /// The rule that left them out, and the digest of its policy.
    pub(in crate::trail) rule: Option<String>,
    pub(in crate::trail) policy: Option<String>,
}

impl Gap {
    /// Records that got no number.
    pub(in crate::trail) fn without_numbers(cause: &'static str, count: u64, times: (u64, u64)) -> Self {
        Self { cause, count, times: Some(times), ..Self::NONE }
    }

    /// Records that were damaged or removed on the disk.
    pub(in crate::trail) fn lost(count: u64, first: u64, last: u64) -> Self {
        Self { cause: "lost", count, range: Some((first, last)), ..Self::NONE }
    }

    /// Records that were removed from the quarantine; there may be others between these numbers.
    pub(in crate::trail) fn discarded(count: u64, first: u64, last: u64) -> Self {
        Self { cause: "discarded", ..Self::lost(count, first, last) }
    }

    /// Records that the sink refused.
    pub(in crate::trail) fn quarantined(gap: RefusedRange) -> Self {
        Self {
            cause: QUARANTINED,
            count: gap.count,
            of: (gap.count < gap.of).then_some(gap.of),
            range: Some((gap.first, gap.last)),
            stream: Some(gap.stream),
            ..Self::NONE
        }
    }

    const NONE: Self = Self {
        cause: "",
        count: 0,
        of: None,
        range: None,
        times: None,
        stream: None,
        client: None,
        rule: None,
        policy: None,
    };
}

impl Lifecycle {
    /// Whether nothing comes behind it in its stream, which it begins.
    pub(in crate::trail) fn is_alone(&self) -> bool {
        matches!(self, Self::Disabled { .. })
    }

    /// Whether it tells of records that are in quarantine.
    pub(in crate::trail) fn is_of_quarantine(&self) -> bool {
        matches!(self, Self::Gap(gap) if gap.cause == QUARANTINED)
    }

    pub(in crate::trail) fn encode(&self, buffer: &mut Vec<u8>, id: RecordId, now: u64) {
        let outcome = self.outcome();
        let event = match self {
            Self::Gap(_) => EventName::Gap,
            Self::Policy(_) => EventName::Policy,
            _ => EventName::Lifecycle,
        };
        let mut encoder = Encoder::new(buffer, now, &outcome.severity());
        encoder.body(&self.body());
        encoder.text(names::AUDIT_RECORD_ID, id.encode(&mut [0; 36]));
        encoder.text(names::AUDITRAIL_EVENT, event.as_str());
        encoder.text(names::AUDIT_SCHEMA_VERSION, names::SCHEMA_VERSION);
        encoder.outcome(&outcome);
        match self {
            Self::Gap(gap) => gap.encode(&mut encoder),
            Self::Policy(policy) => policy.encode(&mut encoder),
            lifecycle => lifecycle.encode_lifecycle(&mut encoder),
        }
        encoder.text(names::AUDIT_ACTOR_ID, names::SCOPE_NAME);
        encoder.text(names::AUDIT_ACTOR_TYPE, "system");
        encoder.text(names::AUDIT_ACTION, self.action());
        encoder.finish(None::<SpanIds>, now, event.as_str());
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Started { .. }
            | Self::Disabled { .. }
            | Self::Stopped(_)
            | Self::Running(_)
            | Self::Recovered(_)
            | Self::Policy(_) => Outcome::status(Status::Success),
            // Nobody can say what became of what is missing.
            Self::Interrupted => {
                Outcome { error_type: Some(error_type::INTERRUPTED.into()), ..Outcome::status(Status::Unknown) }
            }
            Self::Gap(_) => Outcome::status(Status::Unknown),
            Self::Degraded(error) => Outcome { error_type: Some((*error).into()), ..Outcome::status(Status::Failure) },
        }
    }

    fn action(&self) -> &'static str {
        match self {
            Self::Policy(PolicyRecord { previous: None, .. }) => "LOAD",
            Self::Policy(_) => "UPDATE",
            _ => "REPORT",
        }
    }

    fn state(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Disabled { .. } => "disabled",
            Self::Stopped(_) | Self::Interrupted => "stopped",
            Self::Running(_) => "running",
            Self::Policy(_) => "configuration_changed",
            Self::Recovered(_) => "recovered",
            Self::Degraded(_) | Self::Gap(_) => "degraded",
        }
    }

    fn body(&self) -> String {
        match self {
            Self::Gap(gap) => format!("gap: {} record(s) {}", gap.count, gap.cause),
            Self::Policy(PolicyRecord { previous: None, .. }) => "policy: loaded".to_owned(),
            Self::Policy(_) => "policy: changed".to_owned(),
            Self::Interrupted => "lifecycle: stopped, interrupted".to_owned(),
            Self::Degraded(what) | Self::Recovered(what) => format!("lifecycle: {} ({what})", self.state()),
            _ => format!("lifecycle: {}", self.state()),
        }
    }

    fn encode_lifecycle(&self, encoder: &mut Encoder<'_>) {
        encoder.text(names::AUDITRAIL_LIFECYCLE_STATE, self.state());
        match self {
            Self::Started { service, previous } | Self::Disabled { service, previous } => {
                service.iter().for_each(|(name, value)| encoder.text(name, value));
                if let Some(previous) = previous {
                    encoder.text(names::AUDITRAIL_STREAM_PREVIOUS_ID, previous.encode(&mut [0; 36]));
                }
            }
            Self::Stopped(counts) | Self::Running(counts) => encode_counts(counts, encoder),
            _ => {}
        }
    }
}

impl PolicyRecord {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.text(names::AUDITRAIL_POLICY_ID, &self.id);
        encoder.text(names::AUDITRAIL_POLICY_DIGEST, &self.digest);
        if let Some(previous) = &self.previous {
            encoder.text(names::AUDITRAIL_POLICY_PREVIOUS_DIGEST, previous);
        }
        encoder.text(names::AUDIT_TARGET_TYPE, "policy");
        encoder.text(names::AUDIT_TARGET_ID, &self.id);
    }
}

impl Gap {
    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.text(names::AUDITRAIL_GAP_CAUSE, self.cause);
        encoder.int(names::AUDITRAIL_GAP_COUNT, signed(self.count));
        if let Some(of) = self.of {
            encoder.int(names::AUDITRAIL_GAP_OF, signed(of));
        }
        if let Some((first, last)) = self.range {
            encoder.int(names::AUDITRAIL_GAP_FIRST, signed(first));
            encoder.int(names::AUDITRAIL_GAP_LAST, signed(last));
        }
        if let Some((since, until)) = self.times {
            encoder.int(names::AUDITRAIL_GAP_SINCE, signed(since));
            encoder.int(names::AUDITRAIL_GAP_UNTIL, signed(until));
        }
        if let Some(stream) = self.stream {
            encoder.text(names::AUDITRAIL_GAP_STREAM_ID, stream.encode(&mut [0; 36]));
        }
        if let Some(client) = &self.client {
            encoder.text(names::AUDITRAIL_GAP_CLIENT, client);
        }
        if let Some(rule) = &self.rule {
            encoder.text(names::SECURITY_RULE_NAME, rule);
        }
        if let Some(policy) = &self.policy {
            encoder.text(names::AUDITRAIL_POLICY_DIGEST, policy);
        }
    }
}

fn encode_counts(counts: &RecordCounts, encoder: &mut Encoder<'_>) {
    for (name, count) in [
        (names::AUDITRAIL_RECORDS_EMITTED, counts.emitted),
        (names::AUDITRAIL_RECORDS_ACKNOWLEDGED, counts.acknowledged),
        (names::AUDITRAIL_RECORDS_REFUSED, counts.refused),
        (names::AUDITRAIL_RECORDS_SUPPRESSED, counts.suppressed),
        (names::AUDITRAIL_RECORDS_DELIVERED, counts.delivered),
        (names::AUDITRAIL_RECORDS_QUARANTINED, counts.quarantined),
        (names::AUDITRAIL_RECORDS_LOST, counts.lost),
        (names::AUDITRAIL_RECORDS_PENDING, counts.pending),
    ] {
        encoder.int(name, signed(count));
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const QUARANTINED: &str = "quarantined";
