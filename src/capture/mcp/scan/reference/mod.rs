//! Reference readers of the same bytes, which tests and fuzz targets compare with the scanner.

pub(in crate::capture::mcp) mod oracle;
pub(in crate::capture::mcp) mod victims;
