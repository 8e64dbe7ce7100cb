//! The settings of one issuer.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::algorithm::Algorithm;
use super::claim_names::ClaimNames;
use super::keys::{Loader, Source, Timing, checked_address};
use crate::config::ConfigError;

/// An issuer whose tokens are verified, with all that is pinned: a token that fits nothing of it is not verified.
#[derive(Debug, Clone)]
#[must_use = "give it to JwtExtractor::new"]
pub struct JwtIssuer {
    issuer: String,
    keys: Keys,
    audiences: Vec<String>,
    algorithms: Vec<Algorithm>,
    types: Vec<String>,
    claims: ClaimNames,
    leeway: Duration,
    ca: Option<PathBuf>,
    bearer_file: Option<PathBuf>,
    timeout: Duration,
    refresh: Option<Duration>,
    cool_down: Duration,
    stale: Duration,
}

#[derive(Clone)]
enum Keys {
    Discovery,
    Url(String),
    File(PathBuf),
}

/// Without the address, whose query may be a secret.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discovery => f.write_str("Discovery"),
            Self::Url(_) => f.write_str("Url"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl JwtIssuer {
    /// An issuer whose keys are found by its metadata (OpenID Connect Discovery or RFC 8414). The issuer is compared with the claim
    /// `iss` character by character.
    pub fn discovered(issuer: impl Into<String>) -> Self {
        Self::new(issuer.into(), Keys::Discovery)
    }

    /// An issuer whose keys are at that address: `https://`, or `http://` on this machine.
    pub fn with_jwks_url(issuer: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(issuer.into(), Keys::Url(url.into()))
    }

    /// An issuer whose keys are in that file, which is read again when it changes.
    pub fn with_jwks_file(issuer: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self::new(issuer.into(), Keys::File(path.into()))
    }

    fn new(issuer: String, keys: Keys) -> Self {
        Self {
            issuer,
            keys,
            audiences: Vec::new(),
            algorithms: vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa],
            types: ["jwt", "at+jwt"].map(ToOwned::to_owned).to_vec(),
            claims: ClaimNames::default(),
            leeway: LEEWAY,
            ca: None,
            bearer_file: None,
            timeout: TIMEOUT,
            refresh: None,
            cool_down: COOL_DOWN,
            stale: STALE,
        }
    }

    /// An audience of which a token must have one (`aud`), such as the URL of the MCP server (RFC 8707). At least one is required.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// The algorithms that are accepted: `RS256`, `PS256`, `ES256` and `EdDSA` unless they are set.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// The types of tokens that are accepted (`typ`): `JWT` and `at+jwt` (RFC 9068) unless they are set. A token without a type is
    /// accepted where `JWT` is.
    pub fn types<S: Into<String>>(mut self, types: impl IntoIterator<Item = S>) -> Self {
        self.types = types.into_iter().map(|kind| kind.into().to_ascii_lowercase()).collect();
        self
    }

    /// Which claims say what.
    pub fn claims(mut self, claims: ClaimNames) -> Self {
        self.claims = claims;
        self
    }

    /// How far the clocks of issuer and server may differ (60 s).
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The authorities that must have signed the certificates of the servers of keys and metadata (PEM), in place of the system's.
    pub fn ca(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca = Some(file.into());
        self
    }

    /// How long a server has for an answer (10 s). Calls do not wait for it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often the keys are loaded again (10 min, for a file 5 s), if the server does not say so by `Cache-Control`.
    pub fn refresh(mut self, interval: Duration) -> Self {
        self.refresh = Some(interval);
        self
    }

    /// The time between two loads because of tokens whose keys are not known (10 s).
    pub fn cool_down(mut self, pause: Duration) -> Self {
        self.cool_down = pause;
        self
    }

    /// How long keys are used that cannot be loaded again (24 h).
    pub fn stale(mut self, limit: Duration) -> Self {
        self.stale = limit;
        self
    }

    /// What is wrong with the settings, without a look at files and servers.
    ///
    /// # Errors
    /// The setting, the problem and the fix.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.source().map(drop)?;
        if self.issuer.is_empty() {
            return Err(ConfigError::value("issuer", "", "tokens must name it", "name it as tokens do in `iss`"));
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            let problem = "a token for another server would be accepted";
            return Err(ConfigError::value(
                "audience",
                "",
                problem,
                "name what the issuer writes into `aud` for this server",
            ));
        }
        if self.algorithms.is_empty() || self.types.is_empty() || self.claims.id.is_empty() {
            let problem = "no token would be accepted without algorithms, types and the claim of the actor's id";
            return Err(ConfigError::value(
                "algorithms",
                "",
                problem,
                "name at least one of each, or none to have the defaults",
            ));
        }
        if self.leeway > MOST_LEEWAY {
            let leeway = format!("{:?}", self.leeway);
            return Err(ConfigError::value(
                "leeway",
                &leeway,
                "expired tokens would count for long",
                "use at most 10m",
            ));
        }
        if self.refresh.is_some_and(|interval| interval.is_zero()) || self.timeout.is_zero() {
            return Err(ConfigError::value(
                "refresh",
                "0",
                "keys would be loaded all the time",
                "use at least 1s, or leave it out",
            ));
        }
        Ok(())
    }

    /// A file with the token that the server of the keys asks for.
    pub(super) fn bearer_file(mut self, file: PathBuf) -> Self {
        self.bearer_file = Some(file);
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.issuer
    }

    pub(super) const fn claim_names(&self) -> &ClaimNames {
        &self.claims
    }

    pub(super) fn leeway_secs(&self) -> f64 {
        self.leeway.as_secs_f64()
    }

    pub(super) fn accepts_algorithm(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(super) fn accepts_audience(&self, audiences: &[String]) -> bool {
        audiences.iter().any(|audience| self.audiences.contains(audience))
    }

    pub(super) fn accepts_type(&self, kind: Option<&str>) -> bool {
        self.types.iter().any(|accepted| accepted == kind.unwrap_or("jwt"))
    }

    /// Where its keys are loaded from, and how often.
    pub(super) fn loader(&self) -> Result<(Loader, Timing), ConfigError> {
        let source = self.source()?;
        let default = if matches!(source, Source::File(_)) { REFRESH_FILE } else { REFRESH };
        let timing = Timing { cool_down: self.cool_down, refresh: self.refresh.unwrap_or(default), stale: self.stale };
        Ok((Loader::new(source, self.ca.clone(), self.bearer_file.clone(), self.timeout), timing))
    }

    fn source(&self) -> Result<Source, ConfigError> {
        let https = "name an https:// address, or an http:// address of this machine";
        match &self.keys {
            Keys::File(path) => Ok(Source::File(path.clone())),
            Keys::Url(url) => match checked_address(url) {
                Ok(address) => Ok(Source::Url(address)),
                Err(problem) => Err(ConfigError::secret("jwks_url", problem, https)),
            },
            Keys::Discovery => match checked_address(&self.issuer) {
                Ok(_) => Ok(Source::Discovery(self.issuer.clone())),
                Err(problem) => {
                    let fix = "name an https:// issuer, or say where its keys are with jwks_url or jwks_file";
                    Err(ConfigError::secret("issuer", format!("its metadata cannot be found there: {problem}"), fix))
                }
            },
        }
    }
}

const LEEWAY: Duration = Duration::from_secs(60);
const MOST_LEEWAY: Duration = Duration::from_secs(600);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Issuers publish a new key long before they use it.
const REFRESH: Duration = Duration::from_secs(600);
/// A look at its metadata.
const REFRESH_FILE: Duration = Duration::from_secs(5);
const COOL_DOWN: Duration = Duration::from_secs(10);
/// An outage of a night and a morning.
const STALE: Duration = Duration::from_secs(24 * 3600);
