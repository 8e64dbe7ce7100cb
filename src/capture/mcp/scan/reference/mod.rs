//! Other readers of the same bytes, to compare the scanner with in tests and fuzz targets.

pub(in crate::capture::mcp) mod oracle;
pub(in crate::capture::mcp) mod victims;
