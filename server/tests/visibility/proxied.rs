//! The proxy before a server that runs in the test.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use auditrail::Trail;
use auditrail_server::proxy::http::{HttpProxy, HttpSettings, Upstream};
use auditrail_server::proxy::stdio::{StdioProxy, Streams};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

/// Over stdio. The proxy starts a process that does nothing but pass on what goes in and out of the test.
pub(crate) struct Stdio {
    /// What the client hears, and where it speaks.
    pub(crate) hear: Receiver,
    pub(crate) say: Sender,
    /// The server's streams, as soon as that process runs.
    pub(crate) server: JoinHandle<(Receiver, Sender)>,
    /// Ends with the server.
    pub(crate) running: JoinHandle<()>,
}

impl Stdio {
    pub(crate) fn start(trail: Trail) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [to_server, to_client] = ["to-server", "to-client"].map(|name| directory.path().join(name));
        for path in [&to_server, &to_client] {
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        }
        let script = r#"cat < "$1" & cat > "$0"; wait"#;
        let arguments =
            ["-c", script].map(Into::into).into_iter().chain([to_server.clone(), to_client.clone()].map(Into::into));
        let proxy = StdioProxy::new("sh", arguments);
        let (input, say) = io::pipe().unwrap();
        let (hear, output) = io::pipe().unwrap();
        let file = |fd: OwnedFd| File::from(fd);
        let streams = Streams { input: file(input.into()), output: file(output.into()) };
        let running = spawn_blocking(move || {
            assert_eq!(proxy.run(trail, streams).unwrap(), 0);
        });
        // Each waits for the other end.
        let server = tokio::spawn(async move {
            let open_to = spawn_blocking(move || open(&to_client, true));
            let read = Receiver::from_file(spawn_blocking(move || open(&to_server, false)).await.unwrap()).unwrap();
            let streams = (read, Sender::from_file(open_to.await.unwrap()).unwrap());
            drop(directory);
            streams
        });
        let (hear, say) = (Receiver::from_owned_fd(hear.into()).unwrap(), Sender::from_owned_fd(say.into()).unwrap());
        Self { hear, say, server, running }
    }
}

fn open(path: &Path, writes: bool) -> File {
    File::options().read(!writes).write(writes).open(path).unwrap()
}

/// Over HTTP.
pub(crate) struct Http {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Http {
    pub(crate) async fn start(server: SocketAddr, trail: &Trail) -> Self {
        let upstream = Upstream::new(&format!("http://{server}")).unwrap();
        let mut settings = HttpSettings::reverse(SocketAddr::from(([127, 0, 0, 1], 0)), upstream);
        settings.drain = Duration::from_millis(300);
        let proxy = HttpProxy::bind(settings, trail).await.unwrap();
        let address = proxy.address();
        let (stop, stopped) = oneshot::channel::<()>();
        Self { address, stop, running: tokio::spawn(proxy.run(async move { drop(stopped.await) })) }
    }

    pub(crate) async fn end(self) {
        drop(self.stop);
        self.running.await.unwrap();
    }
}
