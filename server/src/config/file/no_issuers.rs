//! Issuers of tokens in the file, where tokens are not built in.

use auditrail::policy::file::{Mistake, Source};

use super::jwt::{JwtSettings, KubernetesSettings};

/// Reports the first of them as a mistake.
pub(super) fn check(
    issuers: &[JwtSettings],
    cluster: Option<&KubernetesSettings>,
    source: &Source<'_>,
) -> Result<(), Mistake> {
    let place = issuers.first().map(|it| it.issuer.span()).or_else(|| cluster.map(|it| it.audience.span()));
    let problem = "this auditrail was built without tokens; build it with its feature jwt";
    place.map_or(Ok(()), |place| Err(source.mistake(Some(place), problem)))
}
