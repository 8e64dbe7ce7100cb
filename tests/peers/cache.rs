//! Where `tests/peers/install` puts everything.

use std::path::PathBuf;

/// The cache, if it has all of these.
pub(crate) fn with(parts: &[&str]) -> Option<PathBuf> {
    let cache = directory();
    let missing: Vec<_> = parts.iter().filter(|part| !cache.join(part).exists()).collect();
    if missing.is_empty() {
        return Some(cache);
    }
    not_tested(&format!("{missing:?} missing in {}; get them by tests/peers/install", cache.display()));
    None
}

pub(crate) fn directory() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("PEERS_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("auditrail-peers")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/auditrail-peers")))
        .expect("HOME is set")
}

/// Says so, loudly; a failure on CI.
pub(crate) fn not_tested(why: &str) {
    let message = format!("NOT TESTED: {why}");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("\n{message}\n");
}
