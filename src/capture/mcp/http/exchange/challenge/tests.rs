//! What is kept of challenges.

use http::HeaderMap;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use proptest::prelude::*;

use super::Challenges;

fn of<const N: usize>(fields: [&str; N]) -> (Option<String>, Option<&'static str>) {
    let values = fields.map(|field| (WWW_AUTHENTICATE, HeaderValue::from_str(field).unwrap()));
    let challenges = Challenges::of(&HeaderMap::from_iter(values));
    (challenges.shown(), challenges.error())
}

fn shown<const N: usize>(fields: [&str; N]) -> String {
    of(fields).0.unwrap_or_default()
}

/// As servers of MCP send them.
#[test]
fn bearer_challenges_keep_error_scope_and_that_there_is_metadata() {
    let metadata = r#"resource_metadata="https://canary.example/.well-known/oauth-protected-resource""#;
    let typescript = format!(r#"Bearer error="invalid_token", error_description="canary, \"eyJcanary\"", {metadata}"#);
    assert_eq!(shown([&typescript]), "Bearer error=invalid_token resource_metadata");
    let scoped = format!(r#"Bearer error="insufficient_scope", scope="events:write files/read", {metadata}"#);
    let both = r#"Bearer error=insufficient_scope scope="events:write files/read" resource_metadata"#;
    assert_eq!(of([&scoped]), (Some(both.into()), Some("insufficient_scope")));
    assert_eq!(shown([&format!("bearer {metadata}")]), "Bearer resource_metadata");
    assert_eq!(shown(["Bearer"]), "Bearer");
    assert_eq!(of([r#"Bearer realm="canary""#]), (Some("Bearer".into()), None));
    assert_eq!(of([r#"Bearer error="canary""#]), (Some("Bearer error=_OTHER".into()), Some("_OTHER")));
    assert_eq!(shown(["Bearer error = invalid_token , scope = a"]), r#"Bearer error=invalid_token scope="a""#);
}

/// RFC 9110 has this example: a list within a list.
#[test]
fn several_challenges_are_told_apart() {
    assert_eq!(
        shown([r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#]),
        "Basic, _OTHER"
    );
    assert_eq!(shown(["Negotiate", r#"Basic realm="a""#, "NTLM"]), "Negotiate, Basic, NTLM");
    assert_eq!(
        shown([r#"DPoP error="use_dpop_nonce", Bearer error="invalid_token""#]),
        "DPoP error=use_dpop_nonce, Bearer error=invalid_token"
    );
    assert_eq!(
        shown(["Negotiate oYIC+/canary==, Bearer error=invalid_token"]),
        "Negotiate, Bearer error=invalid_token"
    );
    assert_eq!(shown(["Negotiate oYIC", ""]), "Negotiate");
    assert_eq!(of(["", ", ,"]), (None, None));
    assert_eq!(of([]), (None, None));
}

#[test]
fn what_may_be_a_credential_is_not_kept() {
    for field in [
        "canary-scheme-sk-live",
        "Bearer canary68==",
        r#"Bearer canary="x", token=canary"#,
        r#"Bearer scope="eyJcanary.a.b""#,
        &format!(r#"Bearer scope="canary{}""#, "x".repeat(100)),
        r#"error="canary" "#,
        r#"Digest nonce="canary", opaque=canary"#,
        r#"Bearer error="invalid_token canary""#,
        "@canary@ Bearer",
    ] {
        assert!(!shown([field]).contains("canary"), "{field}: {}", shown([field]));
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let many = "Basic, ".repeat(5000);
    assert_eq!(shown([&many]), ["Basic"; 8].join(", "));
    let scopes = format!(r#"Bearer scope="{}""#, "s ".repeat(2000));
    assert_eq!(shown([&scopes]), format!(r#"Bearer scope="{}""#, ["s"; 16].join(" ")));
    assert!(shown([&format!(r#"Bearer scope="{}"#, "\\\"".repeat(3000))]).starts_with("Bearer"));
}

proptest! {
    /// Whatever comes: it ends, and names only what is on the lists.
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        let challenges = Challenges::of(&HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]));
        prop_assert!(challenges.shown().unwrap_or_default().len() < 8 * 1200);
    }
}
