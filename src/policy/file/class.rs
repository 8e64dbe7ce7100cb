//! `[class.NAME]`.

use serde::{Deserialize, Serialize};

use super::duration::FileDuration;
use super::names::{AcknowledgeName, WhenFullName};
use crate::policy::class::Class;

/// `[class.NAME]`: as [`Class`], which has the defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassSettings {
    /// What must have happened to a record before the call continues.
    pub acknowledge: AcknowledgeName,
    /// What happens if it cannot.
    pub when_full: WhenFullName,
    /// How long a call waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<FileDuration>,
    /// Only calls of verified actors run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub requires_verified_actor: bool,
}

impl From<&ClassSettings> for Class {
    fn from(settings: &ClassSettings) -> Self {
        Self {
            acknowledge: settings.acknowledge.into(),
            when_full: settings.when_full.into(),
            deadline: settings.deadline.map_or(Self::default().deadline, |time| time.0),
            requires_verified_actor: settings.requires_verified_actor,
        }
    }
}
