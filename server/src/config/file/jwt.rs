//! `[[identity.jwt]]` and `[identity.kubernetes]`.

use std::path::PathBuf;

use auditrail::policy::file::FileDuration;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// An issuer of JSON Web Tokens: as [`JwtIssuer`](auditrail::identity::jwt::JwtIssuer), which has the defaults.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSettings {
    /// What tokens have as `iss`. Without `jwks_url` and `jwks_file`, its metadata name the keys.
    pub issuer: Spanned<String>,
    /// Of which a token must have one as `aud`.
    #[serde(default)]
    pub audience: Vec<String>,
    /// Where the keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// The file that has the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// The algorithms that are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<AlgorithmName>>,
    /// The types of tokens that are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Which claims say what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimSettings>,
    /// How far the clocks may differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leeway: Option<FileDuration>,
    /// The authorities of the servers that have the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// How long these have for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<FileDuration>,
    /// How often the keys are loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<FileDuration>,
    /// The time between two loads because of unknown keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cool_down: Option<FileDuration>,
    /// How long keys are used that cannot be loaded again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<FileDuration>,
}

/// A signature algorithm. `none` and those with a shared secret have no name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "RFC 7518 has them")]
pub enum AlgorithmName {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// Names of claims: as [`ClaimNames`](auditrail::identity::jwt::ClaimNames), which has the defaults.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimSettings {
    /// `audit.actor.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `user.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Vec<String>>,
    /// `user.roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// `auditrail.tenant.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Vec<String>>,
    /// `auditrail.oauth.client_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Vec<String>>,
    /// `gen_ai.agent.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<Vec<String>>,
    /// `gen_ai.agent.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<Vec<String>>,
}

/// Service accounts of a Kubernetes cluster: as [`KubernetesIdentity`](auditrail::identity::jwt::KubernetesIdentity), which has the
/// defaults.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSettings {
    /// What tokens must have as `aud`.
    pub audience: Spanned<String>,
    /// The address of the API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_server: Option<String>,
    /// The directory of the pod's own token and of the cluster's authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// What tokens have as `iss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Asks the API server about each token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub token_reviews: bool,
    /// How long the API server has for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<FileDuration>,
    /// How often the keys are loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<FileDuration>,
}
