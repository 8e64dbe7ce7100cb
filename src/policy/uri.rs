//! URIs without what may be secret in them.

use std::borrow::Cow;

use crate::record::{Value, names};

/// A value as it may leave under that name: the URI of a resource without its secrets, anything else as it is.
#[must_use]
pub fn cleaned(key: &str, value: Value) -> Value {
    match value.as_str() {
        Some(uri) if key == names::MCP_RESOURCE_URI => Value::from(without_secrets(uri).into_owned()),
        _ => value,
    }
}

/// The URI without user information, query and fragment: those may hold credentials and arguments.
///
/// Rather too much is cut than too little: an `@` in the authority or the path, after `//`, ends what is taken for user
/// information, because a password may hold an unescaped `/`.
///
/// ```
/// # use auditrail::policy::without_secrets;
/// assert_eq!(without_secrets("https://me:pw@host/a?token=1#x"), "https://host/a");
/// assert_eq!(without_secrets("file:///etc/hosts"), "file:///etc/hosts");
/// ```
#[must_use]
pub fn without_secrets(uri: &str) -> Cow<'_, str> {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let uri = uri.get(..end).unwrap_or_default();
    let secret = uri.split_once("//").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1)));
    match secret {
        Some((scheme, host)) => Cow::Owned(format!("{scheme}//{host}")),
        None => Cow::Borrowed(uri),
    }
}
