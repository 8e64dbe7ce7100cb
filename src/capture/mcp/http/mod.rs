//! MCP over HTTP.

mod body;
mod content;
mod decode;
mod reader;
mod tap;
mod unread;
