//! What operators of MCP servers run: the binary `auditrail`, with the audited proxy and the tools for journals.
//!
//! The interface is the command line (`auditrail --help`, `docs/cli.md`, `docs/proxy.md`). This library exists for
//! the binary, its tests and its benches; authors of servers use the crate [`auditrail`].

#![cfg(unix)]

pub mod cli;
pub mod config;
pub mod proxy;
