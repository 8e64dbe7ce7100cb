//! Sinks on this machine: a file of OTLP JSON lines, and standard error.
//!
//! Each line is one `ExportLogsServiceRequest` with one record, as the `file` exporter of the collector writes it
//! ([ADR 041](../../../docs/adr/041-sinks-without-a-collector.md)).
//!
//! Invariants:
//! 1. A batch is accepted only when all of its lines are durable in the file. So a record leaves the journal only when the file
//!    would show it after a power loss.
//! 2. A reader of the file finds whole lines, but for the one that is being written: what a failed write or a killed process left
//!    of a batch is cut before the next line is written.
//! 3. Who writes holds the lock of the file, and has seen that the path still leads to it. So several processes share a file, and
//!    each line of it is whole.
//! 4. Nothing is written behind a symbolic link, to what is not a regular file, to a file of another user, or to one that holds
//!    something else than OTLP JSON lines.
//! 5. No descriptor is kept between batches: a file that was renamed or removed is not written to any more.

mod file;
mod json;
mod local_sink;
mod open_file;
mod rotation;
mod stderr;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "internals"))]
pub use self::json::json_lines;
pub(crate) use self::local_sink::LocalSink;
