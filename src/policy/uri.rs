//! URIs without what may be secret in them.

/// The URI without user information, query and fragment: those may hold credentials and arguments.
///
/// ```
/// # use auditrail::policy::without_secrets;
/// assert_eq!(without_secrets("https://me:pw@host/a?token=1#x"), "https://host/a");
/// assert_eq!(without_secrets("file:///etc/hosts"), "file:///etc/hosts");
/// ```
#[must_use]
pub fn without_secrets(uri: &str) -> String {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let uri = uri.get(..end).unwrap_or_default();
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}
