//! A token in the environment of the proxy, by its configuration file.

use auditrail::record::names;
use auditrail::serve::Receiver;
use serde_json::json;

use crate::oauth::{SigningKey, Token};
use crate::rig::{Proxy, call, records};

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_environment_says_who_uses_a_server() {
    let (key, forger) = (SigningKey::ed25519("a"), SigningKey::ed25519("a"));
    let token = || Token::of("https://login.example", "alice").audience("mcp").claim("jti", "canary-id");
    for (token, actor, reason) in [
        (token().signed_by(&key), "alice", None),
        (token().expired().signed_by(&key), "alice", Some("expired")),
        (token().signed_by(&forger), "anonymous", Some("signature")),
        ("opaque-canary".to_owned(), "anonymous", Some("malformed")),
    ] {
        let (receiver, directory) = (Receiver::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
        let file = directory.path().join("keys.json");
        std::fs::write(&file, json!({ "keys": [key.jwk()] }).to_string()).unwrap();
        let config = format!(
            "[identity]\ntoken_variable = \"MCP_TOKEN\"\n[[identity.jwt]]\nissuer = \"https://login.example\"\n\
             audience = [\"mcp\"]\njwks_file = {file:?}\n"
        );
        let proxy = Proxy::of(&["cat"]).configured(&config).collector(&receiver).env("MCP_TOKEN", &token);
        let played = tokio::task::spawn_blocking(move || proxy.send(&call(1, "read_file"))).await.unwrap();
        assert_eq!(played.code(), 0, "{}", played.said);
        let records = records(&receiver);
        let asked = records.iter().find(|record| record.text(names::AUDITRAIL_PHASE) == Some("request"));
        let asked = asked.unwrap_or_else(|| panic!("{records:#?}"));
        assert_eq!(asked.text(names::AUDIT_ACTOR_ID), Some(actor));
        assert_eq!(asked.text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), reason);
        assert_eq!(asked.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&reason.is_none().into()));
        let signature = token.rsplit('.').next().unwrap();
        for told in [format!("{records:?}"), played.said.clone()] {
            assert!(!told.contains("canary") && !told.contains(signature), "{told}");
        }
    }
}
