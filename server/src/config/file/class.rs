//! The classes of a configuration file.

use auditrail::trail::{Acknowledge, Class, WhenFull};

use super::shape::{AcknowledgeName, ClassSettings, WhenFullName};

impl From<&ClassSettings> for Class {
    fn from(settings: &ClassSettings) -> Self {
        Self {
            acknowledge: match settings.acknowledge {
                AcknowledgeName::Queued => Acknowledge::Queued,
                AcknowledgeName::Written => Acknowledge::Written,
                AcknowledgeName::Synced => Acknowledge::Synced,
                AcknowledgeName::Remote => Acknowledge::Remote,
            },
            when_full: match settings.when_full {
                WhenFullName::Refuse => WhenFull::Refuse,
                WhenFullName::Shed => WhenFull::Shed,
                WhenFullName::Wait => WhenFull::Wait,
            },
            deadline: settings.deadline.map_or(Self::default().deadline, |time| time.0),
            requires_verified_actor: settings.requires_verified_actor,
        }
    }
}
