//! Durations as people write them.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration with a unit: `"500ms"`, `"5s"`, `"1m"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDuration(pub Duration);

impl<'de> Deserialize<'de> for FileDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        duration(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for FileDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}ms", self.0.as_millis()))
    }
}

/// A number and its unit.
///
/// # Errors
/// What would be right.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err("it is not a number with a unit of ms, s, m or h; write 500ms, 30s, 5m or 1h".into()),
    };
    let number: u64 = number.parse().map_err(|_| "there is no whole number before the unit; write 30s".to_owned())?;
    number
        .checked_mul(milliseconds)
        .filter(|milliseconds| *milliseconds <= LONGEST)
        .map(Duration::from_millis)
        .ok_or_else(|| "it is longer than a year; write less".to_owned())
}

/// Short enough to compute deadlines with.
const LONGEST: u64 = 365 * 24 * 60 * 60 * 1000;
