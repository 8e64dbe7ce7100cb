//! What a server says of its tools.

/// The annotations of a tool in its definition (`readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`), as far as
/// they are known. They are hints: whoever writes the server says them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ToolHints {
    /// The tool changes nothing. Not known means that it may.
    pub read_only: Option<bool>,
    /// It may destroy something.
    pub destructive: Option<bool>,
    /// Calling it again with equal arguments changes nothing more.
    pub idempotent: Option<bool>,
    /// It reaches things beyond the server.
    pub open_world: Option<bool>,
}

impl ToolHints {
    /// A tool that is known to change nothing, or to change something.
    #[must_use]
    pub fn of_read_only(read_only: bool) -> Self {
        Self { read_only: Some(read_only), ..Self::default() }
    }
}
