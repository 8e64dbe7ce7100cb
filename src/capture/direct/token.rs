//! Tokens that are used or exchanged. A token itself is never recorded.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{EventName, Value, names, terms};
use crate::trail::{Digest, Moment};

terms! {
    /// What kind of token it is: the last part of a token type identifier (RFC 8693, section 3).
    TokenType {
        /// `urn:ietf:params:oauth:token-type:access_token`
        AccessToken = "access_token",
        /// `urn:ietf:params:oauth:token-type:refresh_token`
        RefreshToken = "refresh_token",
        /// `urn:ietf:params:oauth:token-type:id_token`
        IdToken = "id_token",
        /// `urn:ietf:params:oauth:token-type:jwt`
        Jwt = "jwt",
        /// `urn:ietf:params:oauth:token-type:saml1`
        Saml1 = "saml1",
        /// `urn:ietf:params:oauth:token-type:saml2`
        Saml2 = "saml2",
        /// `urn:ietf:params:oauth:token-type:id-jag`: an identity assertion for another application.
        IdJag = "id-jag",
    }
}

/// A token was used, such as to call another service: `auditrail.token`, `USE`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct TokenUse {
    moment: Moment,
}

event!(TokenUse);

impl TokenUse {
    /// The token whose id (`jti`), and never the token itself, has that digest ([`Trail::digest`](crate::Trail::digest)). A call
    /// whose caller presents this token has the same one.
    pub fn of(id: Digest) -> Self {
        Self { moment: Moment::new(EventName::Token) }
            .fact(names::AUDITRAIL_TOKEN_ID_DIGEST, id)
            .fact(names::AUDIT_ACTION, "USE")
    }

    /// What kind of token it is.
    pub fn kind(self, kind: TokenType) -> Self {
        self.fact(names::AUDITRAIL_TOKEN_TYPE, kind)
    }

    /// Who issued it.
    pub fn issuer(self, issuer: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_TOKEN_ISSUER, issuer.into())
    }

    /// For whom it is.
    pub fn audience<T: Into<Cow<'static, str>>>(self, audience: impl IntoIterator<Item = T>) -> Self {
        self.fact(names::AUDITRAIL_TOKEN_AUDIENCE, Value::strings(audience))
    }

    /// The OAuth client that uses it.
    pub fn client(self, id: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_OAUTH_CLIENT_ID, id.into())
    }

    /// What it allows.
    pub fn scopes<T: Into<Cow<'static, str>>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.fact(names::AUDITRAIL_OAUTH_SCOPES, Value::strings(scopes))
    }

    /// The thumbprint of the key that its holder has to prove (`cnf.jkt`, RFC 9449).
    pub fn key_thumbprint(self, thumbprint: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_TOKEN_KEY_THUMBPRINT, thumbprint.into())
    }
}

/// A token was exchanged for another one (RFC 8693): `auditrail.token`, `EXCHANGE`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct TokenExchange {
    moment: Moment,
}

event!(TokenExchange);

impl TokenExchange {
    /// The token whose id has the first digest was exchanged for the one whose id has the second.
    pub fn of(subject: Digest, issued: Digest) -> Self {
        Self { moment: Moment::new(EventName::Token) }
            .fact(names::AUDITRAIL_TOKEN_ID_DIGEST, subject)
            .fact(names::AUDITRAIL_TOKEN_ISSUED_ID_DIGEST, issued)
            .fact(names::AUDITRAIL_TOKEN_GRANT, "urn:ietf:params:oauth:grant-type:token-exchange")
            .fact(names::AUDIT_ACTION, "EXCHANGE")
    }

    /// What kind of token was given, and what kind was issued.
    pub fn kinds(self, subject: TokenType, issued: TokenType) -> Self {
        self.fact(names::AUDITRAIL_TOKEN_TYPE, subject).fact(names::AUDITRAIL_TOKEN_ISSUED_TYPE, issued)
    }

    /// Who exchanged it.
    pub fn issuer(self, issuer: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_TOKEN_ISSUER, issuer.into())
    }

    /// For whom the issued token is (`audience` or `resource` of the request).
    pub fn audience<T: Into<Cow<'static, str>>>(self, audience: impl IntoIterator<Item = T>) -> Self {
        self.fact(names::AUDITRAIL_TOKEN_AUDIENCE, Value::strings(audience))
    }

    /// The OAuth client that asked for it.
    pub fn client(self, id: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_OAUTH_CLIENT_ID, id.into())
    }

    /// What the issued token allows.
    pub fn scopes<T: Into<Cow<'static, str>>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.fact(names::AUDITRAIL_OAUTH_SCOPES, Value::strings(scopes))
    }

    /// Who acts with the issued token for its subject, the outermost first (the `act` claims).
    pub fn delegation<T: Into<Cow<'static, str>>>(self, actors: impl IntoIterator<Item = T>) -> Self {
        self.fact(names::AUDITRAIL_ACTOR_DELEGATION, Value::strings(actors))
    }
}
