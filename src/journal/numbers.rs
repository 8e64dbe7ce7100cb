//! The numbers by which records are named.

/// The number of a record in its stream, from 1: `audit.sequence.number`.
pub type Sequence = u64;
