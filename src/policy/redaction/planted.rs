//! A bug that is planted for the tests: it is in no release.

/// Panics where content says so, as a rule with a bug would.
pub(super) fn panic_of(content: &[u8]) {
    assert!(memchr::memmem::find(content, b"planted-panic").is_none(), "a planted panic");
}
