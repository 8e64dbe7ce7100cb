//! The points of view, and what each of them records of a scene.

use std::time::Duration;

use crate::page::Seen;

/// Who records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Wrapper,
    Tap,
    Both,
    Proxy,
}

/// Plays the scene once for each.
pub(crate) async fn seen_from_each(event: &str, play: impl AsyncFn(View) -> Vec<String>) -> Seen {
    let from = async |view| {
        let played = tokio::time::timeout(PATIENCE, play(view)).await;
        played.unwrap_or_else(|_| panic!("{event} does not come to its end"))
    };
    Seen {
        wrapper: from(View::Wrapper).await,
        tap: from(View::Tap).await,
        both: from(View::Both).await,
        proxy: from(View::Proxy).await,
    }
}

/// What a client of 2025-11-25 says first. No row of the page shows it.
pub(crate) const HANDSHAKE: &str = r#"{"jsonrpc":"2.0","id":"handshake","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"sampling":{},"elicitation":{},"roots":{}},"clientInfo":{"name":"test","version":"1"}}}"#;
/// No scene waits for anything that does not come by itself.
const PATIENCE: Duration = Duration::from_secs(120);
