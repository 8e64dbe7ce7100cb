//! All values of `error.type` that auditrail writes of its own, but for the codes of JSON-RPC errors, which are written as
//! they came. A test compares them with the dictionary in `docs/record.md`.

macro_rules! error_types {
    ($($constant:ident = $text:literal;)*) => {
        $(#[doc = concat!("`", $text, "`")] pub const $constant: &str = $text;)*

        /// All of them.
        pub const ALL: &[&str] = &[$($constant),*];
    };
}

error_types! {
    TOOL_ERROR = "tool_error";
    JSONRPC_ERROR = "jsonrpc_error";
    HTTP_ERROR = "http_error";
    DENIED = "denied";
    PANIC = "panic";
    TIMEOUT = "timeout";
    DISCONNECTED = "disconnected";
    EVICTED = "evicted";
    UNREADABLE = "unreadable";
    AMBIGUOUS_ID = "ambiguous_id";
    NO_ID = "no_id";
    INTERRUPTED = "interrupted";
    OTHER = "_OTHER";

    JOURNAL_UNREADABLE = "journal_unreadable";
    JOURNAL_FILE_REMOVED = "journal_file_removed";
    JOURNAL_FILE_REPLACED = "journal_file_replaced";
    JOURNAL_DAMAGED = "journal_damaged";
    JOURNAL_FULL = "journal_full";
    JOURNAL_FILLING = "journal_filling";
    JOURNAL_CURSOR_FAILED = "journal_cursor_failed";
    JOURNAL_MARK_FAILED = "journal_mark_failed";
    JOURNAL_LEDGER_FAILED = "journal_ledger_failed";
    JOURNAL_SYNC_FAILED = "journal_sync_failed";
    SINK_UNAVAILABLE = "sink_unavailable";
    SINK_AUTHENTICATION = "sink_authentication";
    SINK_UNREADABLE = "sink_unreadable";
    QUARANTINE = "quarantine";
    ACTORS_UNVERIFIED = "actors_unverified";
    PROXY_BYPASSED = "proxy_bypassed";
}
