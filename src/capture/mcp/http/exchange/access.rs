//! Refusals of access that the head of a response tells: 401 and 403.
//!
//! Invariant: of the credentials of a request only is known whether there are any.

use http::request::Parts;
use http::{HeaderMap, StatusCode};

use super::challenge::Challenges;
use crate::record::{EventName, error_type, names};
use crate::trail::{Denial, is_of_mcp};

/// What the head of a request says that matters if it is refused.
#[derive(Debug)]
pub(super) struct AccessRequest {
    /// It has something that may be a credential.
    has_credentials: bool,
    /// What it asks for, as its head claims (2026-07-28): all that is known of it if its body is not read.
    method: Option<&'static str>,
    name: Option<String>,
}

/// An extension of responses by which the code that gave them says that it has refused the request itself, by the rule of
/// that name.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "internals"), allow(dead_code, reason = "only the proxy answers by itself"))]
pub struct RefusedByRule(pub &'static str);

impl AccessRequest {
    pub(super) fn of(parts: &Parts) -> Self {
        let headers = &parts.headers;
        let in_query =
            || parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with(IN_QUERY)));
        let method = text(headers, "mcp-method").and_then(known_method);
        Self {
            has_credentials: CREDENTIALS.iter().any(|name| headers.contains_key(*name)) || in_query(),
            method,
            name: text(headers, "mcp-name").filter(|name| is_plain(name)).map(str::to_owned),
        }
    }

    /// By what a response with that head denies the request, if it does.
    pub(super) fn denial(&self, response: &http::response::Parts) -> Option<Denial> {
        let rule = response.extensions.get::<RefusedByRule>().map(|rule| rule.0);
        let challenges = Challenges::of(&response.headers);
        let denial = match response.status {
            StatusCode::UNAUTHORIZED => {
                Denial::by_status(EventName::Authn, self.unauthenticated(&challenges), rule.unwrap_or("http_401"))
            }
            StatusCode::FORBIDDEN => {
                let class = challenges.error().filter(|error| *error != error_type::OTHER);
                Denial::by_status(EventName::Authz, class.unwrap_or(error_type::FORBIDDEN), rule.unwrap_or("http_403"))
            }
            _ => return None,
        };
        let status = i64::from(response.status.as_u16());
        Some(
            denial
                .with(names::HTTP_RESPONSE_STATUS_CODE, Some(status))
                .with(names::AUDITRAIL_AUTHN_CHALLENGE, challenges.shown()),
        )
    }

    /// This denial, of a request whose body was not read.
    pub(super) fn without_body(&self, denial: &Denial) -> Denial {
        let denial = denial.clone().with(names::MCP_METHOD_NAME, self.method);
        match self.method {
            Some("tools/call") => denial.with(names::GEN_AI_TOOL_NAME, self.name.clone()),
            Some("prompts/get") => denial.with(names::GEN_AI_PROMPT_NAME, self.name.clone()),
            _ => denial,
        }
    }

    /// The class of a failed authentication. Servers name `invalid_token` also where there was none, so what was sent counts
    /// first.
    fn unauthenticated(&self, challenges: &Challenges) -> &'static str {
        match challenges.error() {
            _ if !self.has_credentials => error_type::MISSING_CREDENTIALS,
            Some(error) if error != error_type::OTHER => error,
            _ => error_type::INVALID_CREDENTIALS,
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Only a method of MCP, in its own spelling.
fn known_method(method: &str) -> Option<&'static str> {
    const NAMED: [&str; 8] = [
        "tools/call",
        "tools/list",
        "prompts/get",
        "prompts/list",
        "resources/read",
        "resources/list",
        "server/discover",
        "subscriptions/listen",
    ];
    NAMED.into_iter().find(|known| *known == method && is_of_mcp(known))
}

/// A name that is not encoded, of a length that servers allow for tools (2025-11-25, section Tool Names).
fn is_plain(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && !name.starts_with("=?")
        && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Headers in which clients send credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "api-key", "dpop"];
/// RFC 6750, section 2.3.
const IN_QUERY: &str = "access_token=";
const LONGEST_NAME: usize = 128;
