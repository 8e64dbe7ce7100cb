//! The settings of the extractor of service accounts.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use serde_json::Value;

use crate::config::{ConfigError, regular};
use crate::identity::jwt::algorithm::Algorithm;
use crate::identity::jwt::claim_names::ClaimNames;
use crate::identity::jwt::issuer::JwtIssuer;
use crate::identity::jwt::keys::checked_address;

/// How service accounts of a Kubernetes cluster are recognized.
#[derive(Debug, Clone)]
#[must_use = "give it to KubernetesExtractor::new"]
pub struct KubernetesIdentity {
    pub(super) audience: String,
    pub(super) api_server: String,
    pub(super) directory: PathBuf,
    issuer: Option<String>,
    pub(super) reviews: bool,
    pub(super) passes_others: bool,
    pub(super) timeout: Duration,
    refresh: Option<Duration>,
}

impl KubernetesIdentity {
    /// For tokens of that audience: what pods ask for as `audience` of their projected token.
    pub fn new(audience: impl Into<String>) -> Self {
        Self {
            audience: audience.into(),
            api_server: API_SERVER.to_owned(),
            directory: DIRECTORY.into(),
            issuer: None,
            reviews: false,
            passes_others: false,
            timeout: TIMEOUT,
            refresh: None,
        }
    }

    /// The address of the API server (`https://kubernetes.default.svc`).
    pub fn api_server(mut self, url: impl Into<String>) -> Self {
        self.api_server = url.into();
        self
    }

    /// The directory of the pod's own token and of the cluster's authority
    /// (`/var/run/secrets/kubernetes.io/serviceaccount`). Its files are read whenever they are used, as Kubernetes exchanges them.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// The issuer of the cluster's tokens, by default that of the pod's own token.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Also asks the API server about each token (`TokenReview`), which knows of deleted pods and accounts (off). The pod's service
    /// account needs the cluster role `system:auth-delegator`.
    pub fn token_reviews(mut self, reviews: bool) -> Self {
        self.reviews = reviews;
        self
    }

    /// Leaves tokens of other issuers, and what is not a token, to the extractors behind this one (off). Otherwise they are recorded
    /// as wrong.
    pub fn pass_others(mut self, passes: bool) -> Self {
        self.passes_others = passes;
        self
    }

    /// How long the API server has for an answer (10 s). Calls do not wait for it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often the keys of the cluster are loaded again (10 min).
    pub fn refresh(mut self, interval: Duration) -> Self {
        self.refresh = Some(interval);
        self
    }

    /// What is wrong with the settings, without a look at files and servers.
    ///
    /// # Errors
    /// The setting, the problem and the fix.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.audience.is_empty() {
            let problem = "a token for another server would be accepted";
            return Err(ConfigError::value("audience", "", problem, "name the audience of the pods' projected tokens"));
        }
        self.review_address().map(drop)
    }

    pub(super) fn review_address(&self) -> Result<Uri, ConfigError> {
        let url = format!("{}/apis/authentication.k8s.io/v1/tokenreviews", self.api_server.trim_end_matches('/'));
        checked_address(&url).map_err(|problem| {
            ConfigError::secret(
                "api_server",
                problem,
                "name the address of the API server, such as https://10.0.0.1:443",
            )
        })
    }

    /// The cluster as an issuer.
    pub(super) fn cluster(&self) -> Result<JwtIssuer, ConfigError> {
        let name = match &self.issuer {
            Some(name) => name.clone(),
            None => self.own_issuer()?,
        };
        let claims = ClaimNames {
            id: "sub".to_owned(),
            name: Vec::new(),
            roles: Vec::new(),
            tenant: Vec::new(),
            client_id: Vec::new(),
            agent_id: Vec::new(),
            agent_name: Vec::new(),
        };
        let url = format!("{}/openid/v1/jwks", self.api_server.trim_end_matches('/'));
        let mut issuer = JwtIssuer::with_jwks_url(name, url)
            .audience(self.audience.clone())
            .algorithms([Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384])
            .claims(claims)
            .timeout(self.timeout)
            .bearer_file(self.token_file());
        if self.api_server.starts_with("https:") {
            issuer = issuer.ca(self.directory.join("ca.crt"));
        }
        if let Some(interval) = self.refresh {
            issuer = issuer.refresh(interval);
        }
        issuer.check()?;
        Ok(issuer)
    }

    pub(super) fn token_file(&self) -> PathBuf {
        self.directory.join("token")
    }

    /// Whoever can write that file can exchange the authority beside it, too, so its claims need no verification.
    fn own_issuer(&self) -> Result<String, ConfigError> {
        let file = self.token_file();
        let wrong = |problem: String| {
            let fix = "name the issuer of the cluster, or the directory of a service account's token";
            ConfigError::value("issuer", "", format!("{} does not name it: {problem}", file.display()), fix)
        };
        let content = regular::read(&file).map_err(|error| wrong(error.to_string()))?;
        let claims = content.split(|byte| *byte == b'.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Option<Value> = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        let issuer = claims.as_ref().and_then(|claims| claims.get("iss")).and_then(Value::as_str);
        issuer.map(ToOwned::to_owned).ok_or_else(|| wrong("it is not a token with an issuer".into()))
    }
}

const API_SERVER: &str = "https://kubernetes.default.svc";
const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const TIMEOUT: Duration = Duration::from_secs(10);
