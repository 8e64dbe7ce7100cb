//! skeleton
pub mod config;
pub mod journal;
pub mod policy;
pub mod record;
pub mod ship;
