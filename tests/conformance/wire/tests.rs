//! The counter itself.
