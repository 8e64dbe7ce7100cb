//! The profiles of readers that see other calls in some bytes than most readers do: a closed list, version 2.
//!
//! A profile decides which calls run: where a line ends, which encodings are read, which keys count, and which
//! invalid JSON is accepted. Its name is that of a reader that behaves so, and other readers with that behaviour
//! share it. A name never gets another behaviour: a reader that changes gets a new entry, and the list a new version.
//! The list is in `docs/record.md`, the reasons in `docs/adr/017-reader-profiles.md`.

/// A reader that sees another call than the ordinary reader, for which lines end with newlines, texts are Unicode,
/// keys match exactly, and the last of duplicates counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// A carriage return also ends a line: text streams of Python (PEP 278), `BufferedReader` of Java.
    PythonText,
    /// In addition, U+2028 and U+2029 do: `readline` of Node.js 24.
    NodeReadline,
    /// In addition, vertical tabs, form feeds, U+001C to U+001E and U+0085 do: `str.splitlines` of Python.
    PythonSplitlines,
    /// The end of its document ends a message, not a newline: `Decoder` of `encoding/json` of Go.
    GoDecoder,
    /// Keys match in any letter case by Unicode folding, and the last counts: `encoding/json` of Go.
    GoJson,
    /// The first of duplicate keys counts: `simdjson` on demand, RapidJSON.
    Simdjson,
    /// Lines as in [`PythonText`](Self::PythonText), keys as in [`GoJson`](Self::GoJson): .NET, if it ignores the
    /// case of keys.
    DotNet,
    /// The `Content-Encoding` of a body is ignored: Starlette, hyper, `net/http` of Go, and most servers.
    #[cfg_attr(not(feature = "tower"), expect(dead_code, reason = "only HTTP codes its bodies"))]
    Starlette,
    /// Data after the end of a coded body are ignored: `zlib` of Node.js, with which Express reads bodies.
    #[cfg_attr(not(feature = "tower"), expect(dead_code, reason = "only HTTP codes its bodies"))]
    NodeZlib,
}

impl Profile {
    /// All profiles.
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

    /// The name in a record (`auditrail.message.ambiguous`).
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
