//! What keeps a sink from taking requests, apart from the records in them.

/// Why the sink did not accept a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// The sink does not answer, or is overloaded.
    Away,
    /// The sink refuses the credentials.
    Unauthorized,
    /// The sink's answer is unreadable.
    Unreadable,
}
