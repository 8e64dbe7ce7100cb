//! `auditrail proxy`: stands in front of an MCP server of any language, passes bytes on as they are, and records the calls
//! in them.

pub mod http;
