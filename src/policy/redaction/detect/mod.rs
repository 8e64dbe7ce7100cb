//! Finds secrets and personal data in text.
//!
//! Most text has nothing to find, so one look at it must be cheap: long runs of characters without spaces are found by jumps, and
//! only in them keywords are searched; groups of digits are found by jumps, too.

mod boundaries;
mod card;
mod digits;
mod email;
mod encoded;
mod entropy;
mod iban;
mod jwt;
mod look;
mod pem;
mod phone;
mod runs;
mod scan;
#[cfg(test)]
mod tests;
mod tokens;

pub(super) use self::look::text;
pub(super) use self::scan::{Detectors, Finding, Kind, Scan};
