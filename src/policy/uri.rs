//! Removes what may be secret from URIs.

use std::borrow::Cow;

use crate::record::{Value, names};

/// A value as it may be exported under that name: URIs without their secrets, other values unchanged.
#[must_use]
pub fn cleaned(key: &str, value: Value) -> Value {
    if !is_uri(key) {
        return value;
    }
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(of_text).collect()),
        value => of_text(value),
    }
}

/// Whether the values of that attribute are URIs.
#[must_use]
pub fn is_uri(key: &str) -> bool {
    URIS.contains(&key)
}

fn of_text(value: Value) -> Value {
    match value.as_str() {
        Some(uri) => Value::from(without_secrets(uri).into_owned()),
        None => value,
    }
}

/// The URI without user information, query, parameters and fragment, which may hold credentials and arguments; of a `data:`
/// or `javascript:` URI, which is a content and no name, the scheme alone.
///
/// Rather too much is cut than too little, because readers differ: whatever stands before the last `@`, written out or
/// percent-encoded, is taken for user information, as a password may hold any character; and parameters are whatever begins
/// at a `;`, `&` or encoded `?` and has a `=` behind it.
///
/// ```
/// # use auditrail::policy::without_secrets;
/// assert_eq!(without_secrets("https://me:pw@host/a?token=1#x"), "https://host/a");
/// assert_eq!(without_secrets("https:me:pw%40host/a;token=1"), "https:host/a");
/// assert_eq!(without_secrets("data:text/plain,secret"), "data:");
/// assert_eq!(without_secrets("file:///etc/hosts"), "file:///etc/hosts");
/// ```
#[must_use]
pub fn without_secrets(uri: &str) -> Cow<'_, str> {
    let mut clean = shorter(uri);
    // What is left of one form may have another. It becomes shorter each time.
    while let Cow::Owned(shortened) = shorter(&clean) {
        clean = Cow::Owned(shortened);
    }
    clean
}

/// Owned if more than an end was cut.
fn shorter(uri: &str) -> Cow<'_, str> {
    let uri = uri.find(['?', '#']).and_then(|end| uri.get(..end)).unwrap_or(uri);
    let uri = without_parameters(uri);
    if let Some(scheme) = CONTENTS.into_iter().find(|scheme| is_content(uri, scheme)) {
        return if uri == scheme { Cow::Borrowed(uri) } else { Cow::Owned(scheme.to_owned()) };
    }
    let Some((user, rest)) = split_at_user(uri) else { return Cow::Borrowed(uri) };
    Cow::Owned(format!("{}{rest}", before_user(user)))
}

fn without_parameters(uri: &str) -> &str {
    let last = ["=", "%3d", "%3D"].into_iter().filter_map(|sign| uri.rfind(sign)).max();
    let marks = [";", "&", "%3b", "%3B", "%26", "%3f", "%3F"];
    let first = marks.into_iter().filter_map(|mark| uri.find(mark)).min();
    first.filter(|first| Some(*first) < last).and_then(|first| uri.get(..first)).unwrap_or(uri)
}

/// Browsers leave out white space and control characters before they look at a scheme.
fn is_content(uri: &str, scheme: &str) -> bool {
    let significant = |c: &char| !c.is_whitespace() && !c.is_control();
    let begins = |text: &str| {
        text.chars().filter(significant).map(|c| c.to_ascii_lowercase()).take(scheme.len()).eq(scheme.chars())
    };
    begins(uri) || uri.match_indices(':').any(|(at, _)| uri.get(at + 1..).is_some_and(begins))
}

/// What stands before the last `@`, and what stands behind it.
fn split_at_user(uri: &str) -> Option<(&str, &str)> {
    let plain = uri.char_indices().rfind(|(_, c)| ATS.contains(c)).map(|(at, c)| (at, at + c.len_utf8()));
    let encoded = uri.rmatch_indices('%').find_map(|(at, _)| Some((at, at + encoded_at(uri.get(at..)?)?)));
    let (start, end) = plain.max(encoded)?;
    Some((uri.get(..start)?, uri.get(end..)?))
}

/// The length of a `%40`, or one that was encoded again (`%2540`).
fn encoded_at(text: &str) -> Option<usize> {
    let mut code = text.strip_prefix('%')?;
    while let Some(again) = code.strip_prefix("25") {
        code = again;
    }
    Some(text.len() - code.strip_prefix("40")?.len())
}

/// What may stay of what stands before an `@`: the scheme, with its slashes. Without slashes it may be a user's name, unless
/// it is a scheme that is known.
fn before_user(user: &str) -> &str {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let name = user.split(|c| !of_name(c)).next().unwrap_or_default();
    let scheme = if user.get(name.len()..).is_some_and(|rest| rest.starts_with(':')) { name.len() + 1 } else { 0 };
    let slashes =
        user.get(scheme..).unwrap_or_default().chars().take_while(|c| matches!(c, '/' | '\\')).take(2).count();
    let is_known = SCHEMES.iter().any(|known| name.eq_ignore_ascii_case(known));
    match slashes == 2 || (scheme > 0 && is_known) {
        true => user.get(..scheme + slashes).unwrap_or_default(),
        false => "",
    }
}

/// Attributes that are URIs.
const URIS: [&str; 3] = [names::MCP_RESOURCE_URI, names::AUDITRAIL_LINEAGE_INPUTS, names::AUDITRAIL_LINEAGE_OUTPUTS];
const CONTENTS: [&str; 2] = ["data:", "javascript:"];
/// Also those that become one when a host's name is normalized (UTS #46).
const ATS: [char; 3] = ['@', '\u{fe6b}', '\u{ff20}'];
/// Schemes of URIs that have user information, and are read without slashes by some.
const SCHEMES: [&str; 8] = ["http", "https", "ws", "wss", "ftp", "ftps", "file", "mailto"];
