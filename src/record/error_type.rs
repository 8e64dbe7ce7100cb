//! All values of `error.type` that auditrail writes of its own, but for the codes of JSON-RPC errors, which are written as
//! they came. A test compares them with the dictionary in `docs/record.md`.

use std::borrow::Cow;

/// A class of errors has a short name (core conventions): at most 64 characters of `A-Z a-z 0-9 _ . : -`. A whole error text in
/// its place must not leave, and becomes [`OTHER`].
pub(crate) fn class(text: Cow<'static, str>) -> Cow<'static, str> {
    if is_class(&text) { text } else { Cow::Borrowed(OTHER) }
}

pub(crate) fn is_class(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_part)
}

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

    MISSING_CREDENTIALS = "missing_credentials";
    INVALID_CREDENTIALS = "invalid_credentials";
    INVALID_REQUEST = "invalid_request";
    INVALID_TOKEN = "invalid_token";
    INSUFFICIENT_SCOPE = "insufficient_scope";
    INSUFFICIENT_USER_AUTHENTICATION = "insufficient_user_authentication";
    INVALID_DPOP_PROOF = "invalid_dpop_proof";
    USE_DPOP_NONCE = "use_dpop_nonce";
    FORBIDDEN = "forbidden";
    DECLINED = "declined";

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
    SINK_FILE_FAILED = "sink_file_failed";
    QUARANTINE = "quarantine";
    ACTORS_UNVERIFIED = "actors_unverified";
    POLICY_UNUSABLE = "policy_unusable";
    PROXY_BYPASSED = "proxy_bypassed";
}

/// The name of a class of errors: it is short (core conventions). A whole error text in its place must not leave.
#[cfg(any(feature = "layer", feature = "logs"))]
pub(crate) fn class_of(text: &str) -> &str {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if text.len() <= 64 && text.bytes().all(is_name) { text } else { OTHER }
}
