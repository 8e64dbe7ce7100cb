//! Finds the address of an issuer's keys: OpenID Connect Discovery 1.0, and RFC 8414.

use http::Uri;
use http::uri::Scheme;
use serde_json::Value;

use super::address::{checked_address, shown};
use super::client::Client;
use super::error::LoadError;

/// The `jwks_uri` of an issuer. Its document must be that issuer's: otherwise one who controls another path of the host could
/// name keys.
pub(super) async fn discover(client: &Client, issuer: &str) -> Result<Uri, LoadError> {
    let mut first = None;
    for address in addresses(issuer) {
        let address = checked_address(&address).map_err(|problem| LoadError::JwksUri(issuer.to_owned(), problem))?;
        match client.get(&address, None).await {
            Ok(answer) => return jwks_uri(&answer.body, issuer, &address),
            // There are two places, and most issuers have one.
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or(LoadError::Metadata(issuer.to_owned(), "there is none")))
}

fn jwks_uri(document: &[u8], issuer: &str, address: &Uri) -> Result<Uri, LoadError> {
    let wrong = |problem| LoadError::Metadata(shown(address), problem);
    let document: Value = serde_json::from_slice(document).map_err(|_| wrong("it is not JSON"))?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if text("issuer").ok_or_else(|| wrong("it has no text `issuer`"))? != issuer {
        return Err(LoadError::OtherIssuer(shown(address)));
    }
    let uri = text("jwks_uri").ok_or_else(|| wrong("it has no text `jwks_uri`"))?;
    let unused = |problem| LoadError::JwksUri(shown(address), problem);
    let uri = checked_address(uri).map_err(unused)?;
    if address.scheme() == Some(&Scheme::HTTPS) && uri.scheme() != Some(&Scheme::HTTPS) {
        return Err(unused("it is http:// on this machine, and the issuer is elsewhere"));
    }
    Ok(uri)
}

/// Behind the path of the issuer (OpenID Connect), and in front of it (RFC 8414, section 3.1).
fn addresses(issuer: &str) -> [String; 2] {
    let plain = issuer.trim_end_matches('/');
    let path_at = plain.find("://").map(|at| at + 3).and_then(|at| plain.get(at..)?.find('/').map(|slash| at + slash));
    let (origin, path) = plain.split_at_checked(path_at.unwrap_or(plain.len())).unwrap_or((plain, ""));
    [
        format!("{plain}/.well-known/openid-configuration"),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ]
}
