//! The values of keys, as they are written.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::policy::class::{Acknowledge, WhenFull};
use crate::policy::rules::{Halves, Level, Sample};
use crate::record::Direction;

/// As [`Level`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum LevelName {
    None,
    Metadata,
    Arguments,
    Full,
}

/// As [`Halves`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum HalvesName {
    Both,
    Response,
}

/// As [`Direction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum DirectionName {
    ClientToServer,
    ServerToClient,
}

/// As [`Acknowledge`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum AcknowledgeName {
    Queued,
    #[default]
    Written,
    Synced,
    Remote,
}

/// As [`WhenFull`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "they are told where they are linked to")]
pub enum WhenFullName {
    Refuse,
    #[default]
    Shed,
    Wait,
}

/// As [`Sample`]: `"1/100"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleText(pub Sample);

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::None => Self::None,
            LevelName::Metadata => Self::Metadata,
            LevelName::Arguments => Self::Arguments,
            LevelName::Full => Self::Full,
        }
    }
}

impl From<HalvesName> for Halves {
    fn from(name: HalvesName) -> Self {
        match name {
            HalvesName::Both => Self::Both,
            HalvesName::Response => Self::Response,
        }
    }
}

impl From<DirectionName> for Direction {
    fn from(name: DirectionName) -> Self {
        match name {
            DirectionName::ClientToServer => Self::ClientToServer,
            DirectionName::ServerToClient => Self::ServerToClient,
        }
    }
}

impl From<AcknowledgeName> for Acknowledge {
    fn from(name: AcknowledgeName) -> Self {
        match name {
            AcknowledgeName::Queued => Self::Queued,
            AcknowledgeName::Written => Self::Written,
            AcknowledgeName::Synced => Self::Synced,
            AcknowledgeName::Remote => Self::Remote,
        }
    }
}

impl From<WhenFullName> for WhenFull {
    fn from(name: WhenFullName) -> Self {
        match name {
            WhenFullName::Refuse => Self::Refuse,
            WhenFullName::Shed => Self::Shed,
            WhenFullName::Wait => Self::Wait,
        }
    }
}

impl<'de> Deserialize<'de> for SampleText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for SampleText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
