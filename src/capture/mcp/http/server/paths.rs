//! The paths of one server that are known to speak MCP.
//!
//! Invariant: there are at most [`MOST`] paths, each no longer than [`LONGEST`]; a new one replaces the least recently used. A
//! path is added only when the server has accepted a message there, so that clients cannot fill the table.

use crate::capture::mcp::recent::Recent;
use crate::locks::{Mutex, MutexGuard};

#[derive(Debug)]
pub(crate) struct Paths(Mutex<Recent<Box<str>, ()>>);

impl Default for Paths {
    fn default() -> Self {
        Self(Mutex::new(Recent::of_at_most(MOST)))
    }
}

impl Paths {
    /// The server speaks MCP on that path.
    pub(crate) fn note(&self, path: &str) {
        if path.len() > LONGEST {
            return;
        }
        let mut paths = self.paths();
        if paths.touch(path).is_none() {
            paths.insert(path.into(), ());
        }
    }

    pub(crate) fn knows(&self, path: &str) -> bool {
        self.paths().contains(path)
    }

    fn paths(&self) -> MutexGuard<'_, Recent<Box<str>, ()>> {
        self.0.lock()
    }
}

/// A server has one or two. A server with one per tenant usually has its own proxy.
const MOST: usize = 64;
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_that_was_used_longest_ago_is_forgotten() {
        let paths = Paths::default();
        paths.note("/mcp");
        (0..MOST - 1).for_each(|number| paths.note(&format!("/{number}")));
        assert!(paths.knows("/mcp") && paths.knows("/0"));
        paths.note("/mcp");
        paths.note("/one-more");
        assert!(paths.knows("/mcp") && paths.knows("/one-more") && !paths.knows("/0"));
        assert_eq!(paths.paths().len(), MOST);
        let long = format!("/{}", "x".repeat(LONGEST));
        paths.note(&long);
        assert!(!paths.knows(&long) && !paths.knows("/MCP"));
    }
}
