//! The readers that see other calls in some bytes than most readers do: a closed list, version 2.
//!
//! A profile is what decides which calls run: where a line ends, what the characters are, which keys count, what is taken
//! that is no JSON. It bears the name of a reader that behaves so; others that do the same share it. A name is never given to
//! another behaviour: a reader that changes gets a new entry, and the list a new version. The list stands in
//! `docs/record.md`, its reasons in `docs/adr/017-reader-profiles.md`.

/// A reader that sees another call than the ordinary one: lines end with newlines, texts are Unicode, keys are what they
/// say, the last of two counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// A carriage return ends a line, too: text streams of Python (PEP 278), `BufferedReader` of Java.
    PythonText,
    /// So do U+2028 and U+2029: `readline` of Node.js 24.
    NodeReadline,
    /// So do vertical tabs, form feeds, U+001C to U+001E and U+0085: `str.splitlines` of Python.
    PythonSplitlines,
    /// No newline ends a message, but the end of its document does: `Decoder` of `encoding/json` of Go.
    GoDecoder,
    /// Keys count in any letters that fold to theirs, and the last counts: `encoding/json` of Go.
    GoJson,
    /// Of a key that comes twice the first counts: `simdjson` on demand, RapidJSON.
    Simdjson,
    /// Lines as with [`PythonText`](Self::PythonText), keys as with [`GoJson`](Self::GoJson): .NET, where it is asked to
    /// take keys in any letters.
    DotNet,
    /// What a body says that it is coded in (`Content-Encoding`) does not count, its bytes do: Starlette, hyper, `net/http`
    /// of Go, and most servers.
    #[cfg_attr(not(feature = "tower"), expect(dead_code, reason = "only HTTP codes its bodies"))]
    Starlette,
    /// What stands behind the end of what is coded does not count: `zlib` of Node.js, on which Express reads bodies.
    #[cfg_attr(not(feature = "tower"), expect(dead_code, reason = "only HTTP codes its bodies"))]
    NodeZlib,
}

impl Profile {
    /// All of them.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 9] = [
        Self::PythonText,
        Self::NodeReadline,
        Self::PythonSplitlines,
        Self::GoDecoder,
        Self::GoJson,
        Self::Simdjson,
        Self::DotNet,
        Self::Starlette,
        Self::NodeZlib,
    ];

    /// As it stands in a record (`auditrail.message.ambiguous`).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PythonText => "python-text",
            Self::NodeReadline => "node-readline",
            Self::PythonSplitlines => "python-splitlines",
            Self::GoDecoder => "go-decoder",
            Self::GoJson => "go-json",
            Self::Simdjson => "simdjson",
            Self::DotNet => "dotnet",
            Self::Starlette => "starlette",
            Self::NodeZlib => "node-zlib",
        }
    }
}
