//! The official TypeScript and Python clients against a server of ours, as it is and audited, over stdio and HTTP; over
//! stdio also as it is, behind the proxy.
//!
//! They list and call tools, answer what the server asks them, hear its progress, cancel, run out of time, and send 3 MB and
//! get them back. Auditing changes nothing that they see, and every request of both sides has its pair of records.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

#[path = "../peers/cache.rs"]
mod cache;
#[path = "../examples/mod.rs"]
mod examples;
mod run;
mod story;
mod trail;

use self::run::{Audit, Client, Mode, Run, Seen, Transport};

macro_rules! clients {
    ($($name:ident: $client:ident $mode:ident $transport:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                auditing_changes_nothing_and_misses_nothing(Client::$client, Mode::$mode, Transport::$transport).await;
            }
        )*
    };
}

clients! {
    typescript_1_over_stdio: TypeScript1 Legacy Stdio;
    typescript_1_over_http: TypeScript1 Legacy Http;
    typescript_2_over_stdio: TypeScript2 Legacy Stdio;
    typescript_2_over_http: TypeScript2 Legacy Http;
    typescript_2_without_sessions_over_stdio: TypeScript2 Auto Stdio;
    typescript_2_without_sessions_over_http: TypeScript2 Auto Http;
    python_over_stdio: Python Legacy Stdio;
    python_over_http: Python Legacy Http;
    python_without_sessions_over_stdio: Python Auto Stdio;
    python_without_sessions_over_http: Python Auto Http;
}

async fn auditing_changes_nothing_and_misses_nothing(client: Client, mode: Mode, transport: Transport) {
    let Some(peers) = cache::with(&client.parts()) else { return };
    let run = Run { client, mode, transport };
    let plain = run.against(&peers, Audit::Off).await;
    let audited = run.against(&peers, Audit::On).await;

    story::is_told_by(&run, &plain.printed);
    assert!(plain.records.is_empty(), "nobody audits the plain server");
    same(&run, &plain, &audited);
    if transport == Transport::Stdio {
        same(&run, &plain, &run.against(&peers, Audit::Proxy).await);
    }
}

fn same(run: &Run, plain: &Seen, audited: &Seen) {
    assert_eq!(audited.printed.len(), plain.printed.len(), "{:#?}", audited.printed);
    for (audited, plain) in audited.printed.iter().zip(&plain.printed) {
        assert_eq!(audited, plain, "{run:?}");
    }
    trail::tells(run, &audited.records);
}
