//! The official TypeScript and Python clients, over stdio and HTTP, against a server of ours, as it is, audited, and as it is
//! behind the proxy; and against FastMCP, as it is and behind the proxy.
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

#[path = "../../../tests/examples/mod.rs"]
mod examples;
#[path = "../../../tests/peers/mod.rs"]
mod peers;
mod process;
mod run;
mod story;
mod trail;

use std::process::ExitCode;

use self::peers::{Peers, trial};
use self::run::{Audit, Client, Mode, Run, Seen, Server, Transport};

macro_rules! clients {
    ($($name:ident: $client:ident $mode:ident $transport:ident $server:ident;)*) => {
        fn main() -> ExitCode {
            peers::run(vec![$({
                let (client, mode) = (Client::$client, Mode::$mode);
                let run = Run { client, mode, transport: Transport::$transport, server: Server::$server };
                trial(stringify!($name), run.needs(), move |peers| auditing_changes_nothing_and_misses_nothing(peers, run))
            },)*])
        }
    };
}

clients! {
    typescript_1_over_stdio: TypeScript1 Legacy Stdio Rmcp;
    typescript_1_over_http: TypeScript1 Legacy Http Rmcp;
    typescript_1_comes_back_over_http: TypeScript1 Legacy HttpResumed Rmcp;
    typescript_2_over_stdio: TypeScript2 Legacy Stdio Rmcp;
    typescript_2_over_http: TypeScript2 Legacy Http Rmcp;
    typescript_2_comes_back_over_http: TypeScript2 Legacy HttpResumed Rmcp;
    typescript_2_without_sessions_over_stdio: TypeScript2 Auto Stdio Rmcp;
    typescript_2_without_sessions_over_http: TypeScript2 Auto Http Rmcp;
    python_over_stdio: Python Legacy Stdio Rmcp;
    python_over_http: Python Legacy Http Rmcp;
    python_comes_back_over_http: Python Legacy HttpResumed Rmcp;
    python_without_sessions_over_stdio: Python Auto Stdio Rmcp;
    python_without_sessions_over_http: Python Auto Http Rmcp;

    typescript_1_and_fastmcp_over_stdio: TypeScript1 Legacy Stdio FastMcp;
    typescript_1_and_fastmcp_over_http: TypeScript1 Legacy Http FastMcp;
    typescript_2_and_fastmcp_without_sessions_over_stdio: TypeScript2 Auto Stdio FastMcp;
    typescript_2_and_fastmcp_without_sessions_over_http: TypeScript2 Auto Http FastMcp;
    python_and_fastmcp_over_stdio: Python Legacy Stdio FastMcp;
    python_and_fastmcp_over_http: Python Legacy Http FastMcp;
    python_and_fastmcp_without_sessions_over_stdio: Python Auto Stdio FastMcp;
    python_and_fastmcp_without_sessions_over_http: Python Auto Http FastMcp;
}

async fn auditing_changes_nothing_and_misses_nothing(peers: Peers, run: Run) {
    let plain = run.against(&peers, Audit::Off).await;
    story::is_told_by(&run, &plain.printed);
    assert!(plain.records.is_empty(), "nobody audits the plain server");
    for audit in run.audits() {
        same(&run, &plain, &run.against(&peers, *audit).await);
    }
}

fn same(run: &Run, plain: &Seen, audited: &Seen) {
    assert_eq!(audited.printed.len(), plain.printed.len(), "{:#?}", audited.printed);
    for (audited, plain) in audited.printed.iter().zip(&plain.printed) {
        assert_eq!(audited, plain, "{run:?}");
    }
    trail::tells(run, &audited.records);
}
