//! The kinds of sinks.

/// A place where records go. A record leaves the journal when all that are chosen have it, but for [`Log`](Self::Log).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkKind {
    /// The collector, by OTLP.
    Otlp,
    /// A file of OTLP JSON lines, which is rotated.
    File,
    /// Standard error, as OTLP JSON lines.
    Stderr,
    /// The host's own logger: a copy of each record as an event of `tracing`. Nothing waits for it.
    Log,
}

impl SinkKind {
    /// The name in variables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Otlp => "otlp",
            Self::File => "file",
            Self::Stderr => "stderr",
            Self::Log => "log",
        }
    }
}
