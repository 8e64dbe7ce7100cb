//! Which of many records are kept.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// One of so many successful reads is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sample {
    one_in: NonZeroU32,
}

/// The text is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sample is one of so many calls; write `1/100` for one of a hundred, and at most `1/1000000`")]
pub struct InvalidSample;

impl Sample {
    /// One in that many; `None` for none, for all and for more than a million.
    #[must_use]
    pub fn one_in(number: u32) -> Option<Self> {
        NonZeroU32::new(number).filter(|number| (2..=MAX).contains(&number.get())).map(|one_in| Self { one_in })
    }

    /// Whether the call with that id is kept. Equal ids have one answer, in every process and version, so both halves of a
    /// call share their fate.
    ///
    /// Where a client chooses the trace id, take the id of the request's record: otherwise the client would choose which of
    /// its calls are kept.
    #[must_use]
    pub fn keeps(self, id: [u8; 16]) -> bool {
        mixed(id).is_multiple_of(u64::from(self.one_in.get()))
    }

    /// Of how many calls one is kept.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.one_in.get()
    }
}

impl FromStr for Sample {
    type Err = InvalidSample;

    fn from_str(text: &str) -> Result<Self, InvalidSample> {
        let number = text.strip_prefix("1/").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        number.and_then(|digits| digits.parse().ok()).and_then(Self::one_in).ok_or(InvalidSample)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}", self.one_in)
    }
}

/// Spreads ids evenly (the finalizer of splitmix64): a record id begins with the time, so its bits alone would not do.
fn mixed(id: [u8; 16]) -> u64 {
    let id = u128::from_be_bytes(id);
    #[allow(clippy::cast_possible_truncation, reason = "each half of the id")]
    let (high, low) = ((id >> 64) as u64, id as u64);
    finalized(finalized(high) ^ low)
}

fn finalized(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Of a million calls, one says little enough.
const MAX: u32 = 1_000_000;
