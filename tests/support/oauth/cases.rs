//! What clients present, and what a record has to say about each: the same on every route.

use serde_json::json;

use super::issuer::Issuer;
use super::signing_key::SigningKey;
use super::token::Token;

/// The audience of the tests' server.
pub(crate) const AUDIENCE: &str = "https://mcp.example/mcp";

/// An issuer and its keys, and those of an attacker.
pub(crate) struct Cast {
    pub(crate) issuer: Issuer,
    pub(crate) rsa: SigningKey,
    pub(crate) p256: SigningKey,
    pub(crate) ed25519: SigningKey,
    /// Has the name of the issuer's key.
    pub(crate) forger: SigningKey,
}

/// Something that a client presents.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The values of its `Authorization` headers.
    pub(crate) authorization: Vec<String>,
    pub(crate) expected: Expected,
}

/// Who a record names, and what it says of the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) actor: String,
    pub(crate) is_verified: bool,
    pub(crate) reason: Option<String>,
    pub(crate) claimed: Option<String>,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let (rsa, p256, ed25519) =
            (SigningKey::rsa("rsa", 1), SigningKey::p256("p256"), SigningKey::ed25519("ed25519"));
        let issuer = Issuer::serving(&[&rsa, &p256, &ed25519]);
        Self { issuer, rsa, p256, ed25519, forger: SigningKey::rsa("rsa", 2) }
    }

    /// A token that is right in every way.
    pub(crate) fn token(&self, subject: &str) -> Token {
        Token::of(&self.issuer.url(), subject).audience(AUDIENCE)
    }

    /// What is presented, right and wrong.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let alice = || self.token("alice");
        let mut cases = vec![
            Case::of("RS256", alice().signed_by(&self.rsa), verified("alice")),
            Case::of("ES256", alice().signed_by(&self.p256), verified("alice")),
            Case::of("EdDSA", alice().signed_by(&self.ed25519), verified("alice")),
            Case::of(
                "one of several audiences",
                alice().claim("aud", json!(["other", AUDIENCE])).signed_by(&self.rsa),
                verified("alice"),
            ),
            Case {
                name: "none at all",
                authorization: Vec::new(),
                expected: Expected { reason: None, ..nobody("", None) },
            },
            Case::of("expired", alice().expired().signed_by(&self.rsa), doubtful("alice", "expired")),
            Case::of(
                "not yet valid",
                alice().claim("nbf", 32_503_680_000_u64).signed_by(&self.rsa),
                doubtful("alice", "not_yet_valid"),
            ),
            Case::of(
                "without an end",
                alice().claim("exp", json!(null)).signed_by(&self.rsa),
                doubtful("alice", "missing_claim"),
            ),
            Case::of(
                "an end that is a text",
                alice().claim("exp", "never").signed_by(&self.rsa),
                nobody("malformed", Some("alice")),
            ),
            Case::of(
                "for another audience",
                alice().audience("https://other.example").signed_by(&self.rsa),
                doubtful("alice", "audience"),
            ),
            Case::of(
                "without an audience",
                alice().claim("aud", json!(null)).signed_by(&self.rsa),
                doubtful("alice", "missing_claim"),
            ),
            Case::of(
                "an ID-JAG, which is for the issuer",
                alice().header("typ", "oauth-id-jag+jwt").signed_by(&self.rsa),
                doubtful("alice", "token_type"),
            ),
            Case::of("a key of the same name", alice().signed_by(&self.forger), nobody("signature", Some("alice"))),
            Case::of(
                "a key of an unknown name",
                alice().header("kid", "made-up").signed_by(&self.forger),
                doubtful("alice", "key_unknown"),
            ),
            Case::of("none", alice().unsigned(), nobody("algorithm", Some("alice"))),
            Case::of(
                "none, in capitals",
                alice().header("alg", "NONE").signed_by(&self.rsa),
                nobody("algorithm", Some("alice")),
            ),
            Case::of(
                "the key of another type",
                alice().header("alg", "ES256").header("kid", "rsa").signed_by(&self.rsa),
                doubtful("alice", "key_unknown"),
            ),
            Case::of(
                "another issuer",
                Token::of("https://evil.example", "alice").audience(AUDIENCE).signed_by(&self.forger),
                nobody("issuer", Some("alice")),
            ),
            Case::of(
                "no issuer",
                alice().claim("iss", json!(null)).signed_by(&self.rsa),
                nobody("missing_claim", Some("alice")),
            ),
            Case::of(
                "no subject",
                alice().claim("sub", json!(null)).signed_by(&self.rsa),
                nobody("missing_claim", None),
            ),
            Case::of(
                "critical extensions",
                alice().header("crit", json!(["exp"])).signed_by(&self.rsa),
                nobody("malformed", None),
            ),
            Case::of("not a JWT", "opaque-canary".into(), nobody("malformed", None)),
            Case::of(
                "too long",
                alice().claim("padding", "x".repeat(9000)).signed_by(&self.rsa),
                nobody("malformed", None),
            ),
            Case::of(
                "two joined by a comma",
                format!("{}, Bearer canary", alice().signed_by(&self.rsa)),
                nobody("several", None),
            ),
        ];
        cases.extend(self.rsa.public_forms().iter().map(|form| {
            let token = alice().header("kid", "rsa").hs256(form);
            Case::of("HS256 with the public key", token, nobody("algorithm", Some("alice")))
        }));
        let two = ["alice", "bob"].map(|name| format!("Bearer {}", self.token(name).signed_by(&self.rsa)));
        cases.push(Case { name: "two headers", authorization: two.to_vec(), expected: nobody("several", None) });
        let basic = vec!["Basic YWxpY2U6Y2FuYXJ5".to_owned(), format!("Bearer {}", alice().signed_by(&self.rsa))];
        cases.push(Case { name: "two schemes", authorization: basic, expected: nobody("several", None) });
        cases.push(self.tampered());
        cases
    }

    /// The right signature of other claims.
    fn tampered(&self) -> Case {
        let (alice, carol) = (self.token("alice").signed_by(&self.rsa), self.token("carol").signed_by(&self.rsa));
        let (signed, _) = carol.rsplit_once('.').unwrap();
        let (_, signature) = alice.rsplit_once('.').unwrap();
        Case::of("the signature of another token", format!("{signed}.{signature}"), nobody("signature", Some("carol")))
    }
}

impl Case {
    fn of(name: &'static str, token: String, expected: Expected) -> Self {
        Self { name, authorization: vec![format!("Bearer {token}")], expected }
    }
}

pub(crate) fn verified(actor: &str) -> Expected {
    Expected { actor: actor.into(), is_verified: true, reason: None, claimed: None }
}

/// The signature is the issuer's, or could not be checked.
pub(crate) fn doubtful(actor: &str, reason: &str) -> Expected {
    Expected { actor: actor.into(), is_verified: false, reason: Some(reason.into()), claimed: None }
}

/// Anybody could have made it.
pub(crate) fn nobody(reason: &str, claimed: Option<&str>) -> Expected {
    Expected {
        actor: "anonymous".into(),
        is_verified: false,
        reason: Some(reason.into()),
        claimed: claimed.map(ToOwned::to_owned),
    }
}
