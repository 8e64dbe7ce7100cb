//! The end of a connection.

use std::sync::Arc;

use crate::capture::mcp::correlate::{Exchange, ExchangeEnd};

/// Closes the connection when both its streams are dropped.
#[derive(Debug)]
pub(super) struct CloseOnDrop(pub(super) Arc<Exchange>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close(ExchangeEnd::Dropped);
        self.0.session().close();
    }
}
