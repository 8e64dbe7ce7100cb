//! What issuers of tokens and clusters in the file mean, and their mistakes.

use auditrail::config::ConfigError;
use auditrail::identity::jwt::{
    Algorithm, ClaimNames, JwtExtractor, JwtIssuer, KubernetesExtractor, KubernetesIdentity,
};
use auditrail::policy::file::{Mistake, Source};

use super::jwt::{AlgorithmName, ClaimSettings, JwtSettings, KubernetesSettings};

/// Checks both.
pub(super) fn check(
    issuers: &[JwtSettings],
    cluster: Option<&KubernetesSettings>,
    source: &Source<'_>,
) -> Result<(), Mistake> {
    for (at, settings) in issuers.iter().enumerate() {
        let wrong = |problem: &str| source.mistake(Some(settings.issuer.span()), problem);
        if settings.jwks_url.is_some() && settings.jwks_file.is_some() {
            return Err(wrong("the keys of an issuer are at jwks_url or in jwks_file, not both"));
        }
        settings.issuer().check().map_err(|error| wrong(&error.to_string()))?;
        let name = settings.issuer.get_ref();
        if issuers.iter().take(at).any(|other| other.issuer.get_ref() == name) {
            return Err(wrong("this issuer is there twice; name it once, with all its audiences"));
        }
    }
    let Some(cluster) = cluster else { return Ok(()) };
    let checked = cluster.identity(false).check();
    checked.map_err(|error| source.mistake(Some(cluster.audience.span()), &error.to_string()))
}

impl JwtSettings {
    /// The extractor of the tokens of those issuers.
    pub(crate) fn extractor(issuers: &[Self]) -> Result<JwtExtractor, ConfigError> {
        JwtExtractor::new(issuers.iter().map(Self::issuer))
    }

    fn issuer(&self) -> JwtIssuer {
        let name = self.issuer.get_ref();
        let mut issuer = match (&self.jwks_url, &self.jwks_file) {
            (Some(url), _) => JwtIssuer::with_jwks_url(name, url),
            (None, Some(file)) => JwtIssuer::with_jwks_file(name, file),
            (None, None) => JwtIssuer::discovered(name),
        };
        issuer = self.audience.iter().fold(issuer, JwtIssuer::audience);
        issuer =
            or(issuer, self.algorithms.as_ref(), |it, names| it.algorithms(names.iter().map(|name| name.algorithm())));
        issuer = or(issuer, self.types.as_ref(), |it, types| it.types(types.iter().cloned()));
        issuer = or(issuer, self.claims.as_ref(), |it, claims| it.claims(claims.names()));
        issuer = or(issuer, self.leeway, |it, time| it.leeway(time.0));
        issuer = or(issuer, self.ca.as_ref(), JwtIssuer::ca);
        issuer = or(issuer, self.timeout, |it, time| it.timeout(time.0));
        issuer = or(issuer, self.refresh, |it, time| it.refresh(time.0));
        issuer = or(issuer, self.cool_down, |it, time| it.cool_down(time.0));
        or(issuer, self.stale, |it, time| it.stale(time.0))
    }
}

impl ClaimSettings {
    fn names(&self) -> ClaimNames {
        let mut names = ClaimNames::default();
        set(&mut names.id, self.id.as_ref());
        set(&mut names.name, self.name.as_ref());
        set(&mut names.roles, self.roles.as_ref());
        set(&mut names.tenant, self.tenant.as_ref());
        set(&mut names.client_id, self.client_id.as_ref());
        set(&mut names.agent_id, self.agent_id.as_ref());
        set(&mut names.agent_name, self.agent_name.as_ref());
        names
    }
}

impl KubernetesSettings {
    /// The extractor of the cluster's service accounts; the others are for the extractors behind it.
    pub(crate) fn extractor(&self, has_others: bool) -> Result<KubernetesExtractor, ConfigError> {
        KubernetesExtractor::new(self.identity(has_others))
    }

    fn identity(&self, has_others: bool) -> KubernetesIdentity {
        let mut identity = KubernetesIdentity::new(self.audience.get_ref());
        identity = identity.pass_others(has_others).token_reviews(self.token_reviews);
        identity = or(identity, self.api_server.as_ref(), KubernetesIdentity::api_server);
        identity = or(identity, self.directory.as_ref(), KubernetesIdentity::directory);
        identity = or(identity, self.issuer.as_ref(), KubernetesIdentity::issuer);
        identity = or(identity, self.timeout, |it, time| it.timeout(time.0));
        or(identity, self.refresh, |it, time| it.refresh(time.0))
    }
}

impl AlgorithmName {
    const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::Rs256,
            Self::Rs384 => Algorithm::Rs384,
            Self::Rs512 => Algorithm::Rs512,
            Self::Ps256 => Algorithm::Ps256,
            Self::Ps384 => Algorithm::Ps384,
            Self::Ps512 => Algorithm::Ps512,
            Self::Es256 => Algorithm::Es256,
            Self::Es384 => Algorithm::Es384,
            Self::EdDsa => Algorithm::EdDsa,
        }
    }
}

fn or<T, V>(settings: T, said: Option<V>, set: impl FnOnce(T, V) -> T) -> T {
    match said {
        Some(said) => set(settings, said),
        None => settings,
    }
}

fn set<T: Clone>(name: &mut T, said: Option<&T>) {
    if let Some(said) = said {
        name.clone_from(said);
    }
}
