//! Listens, and accepts connections.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::proxy::http::error::HttpProxyError;

pub(super) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), HttpProxyError> {
    let failed = |source| HttpProxyError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The next connection. If the process is out of descriptors, it waits until another connection ends.
pub(super) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client disconnected before it was accepted.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Long enough not to spin, short enough not to be noticed.
const PAUSE: Duration = Duration::from_millis(50);
