//! Errors for the callers of a [`Receiver`](super::receive::Receiver).

use std::{fmt, io, net::SocketAddr, time::Duration};

use thiserror::Error;

/// Why a receiver could not be started. Its `Debug` output is its `Display` message, because `main` prints a returned
/// error with `Debug`.
#[derive(Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The receiver cannot listen on an address.
    #[error(
        "cannot listen for {protocol} on {address}: {source}; another collector or receiver may have this port: \
         stop that one, or choose another address (port 0 takes a free port)"
    )]
    Bind {
        /// The protocol that would have been received there.
        protocol: &'static str,
        /// The requested address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },

    /// No port was configured.
    #[error(
        "the receiver has nothing to listen on: both gRPC and HTTP are disabled; give it an address with `grpc` or `http`"
    )]
    NothingToServe,

    /// A limit of zero, with which nothing could be received or held.
    #[error("the receiver's limit `{name}` is 0, so nothing could be received; give it at least 1")]
    ZeroLimit {
        /// The builder's method.
        name: &'static str,
    },
}

impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a wait for records or spans ended without them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The time is over.
    #[error(
        "what was waited for did not arrive within {within:?}: {records} records and {spans} spans are held, \
         {dropped} were dropped; check that the sender exports to this receiver, or wait longer"
    )]
    TimedOut {
        /// How long the wait was.
        within: Duration,
        /// Records held at the end.
        records: usize,
        /// Spans held at the end.
        spans: usize,
        /// Records and spans dropped so far to keep memory bounded.
        dropped: u64,
    },

    /// The receiver was stopped, so nothing more can arrive.
    #[error("the receiver was stopped before what was waited for arrived; wait before shutting it down")]
    Stopped,
}

/// Why reading cannot continue from a position.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TailError {
    /// Records after the position were dropped, or the position is from before a restart.
    #[error(
        "the records after position {asked} are no longer held (the oldest held is, or will be, {oldest}): they were \
         dropped to keep memory bounded, or the receiver was restarted; read from 0 to go on with the oldest"
    )]
    NotHeld {
        /// The position to resume after.
        asked: u64,
        /// The oldest position that can be read.
        oldest: u64,
    },

    /// No record has had that position.
    #[error(
        "position {asked} was never given out (the newest is {newest}): it is of another receiver; \
         read from 0 to start with the oldest record held"
    )]
    Unknown {
        /// The position to resume after.
        asked: u64,
        /// The newest position.
        newest: u64,
    },

    /// The reader was slower than the records arrived.
    #[error(
        "the record at position {next} was dropped before it was read (the oldest held is {oldest}): the reader is \
         slower than the records come; read faster, or give the receiver more capacity"
    )]
    Lagged {
        /// The position that would have been read next.
        next: u64,
        /// The oldest position held.
        oldest: u64,
    },
}
