//! The proxy in front of a server.

use std::net::SocketAddr;
use std::time::Duration;

use auditrail::Trail;
use auditrail_server::proxy::http::{HttpProxy, HttpSettings, Upstream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A proxy that runs.
pub(crate) struct Proxied {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Proxied {
    pub(crate) async fn before(server: SocketAddr, trail: &Trail) -> Self {
        let upstream = Upstream::new(&format!("http://{server}")).unwrap();
        Self::start(HttpSettings::reverse(SocketAddr::from(([127, 0, 0, 1], 0)), upstream), trail).await
    }

    pub(crate) async fn forward(trail: &Trail) -> Self {
        Self::start(HttpSettings::forward(SocketAddr::from(([127, 0, 0, 1], 0))), trail).await
    }

    async fn start(mut settings: HttpSettings, trail: &Trail) -> Self {
        // Long enough for what ends by itself: a stream that the suite has left ends at once.
        settings.drain = Duration::from_secs(2);
        let proxy = HttpProxy::bind(settings, trail).await.unwrap();
        let address = proxy.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(proxy.run(async move { drop(stopped.await) }));
        Self { address, stop, running }
    }

    pub(crate) async fn end(self) {
        drop(self.stop);
        tokio::time::timeout(Duration::from_secs(120), self.running).await.expect("the proxy ends").unwrap();
    }
}
