//! The actor of a server over stdio, as the environment of the process names it.

use super::actor::Actor;
use super::extractor::Extractor;
use super::request::RequestFacts;
use crate::config::{ConfigError, Environment};

/// Who sends all requests over stdio, by the environment of the process. Whoever starts the process sets that, so the identity
/// is asserted. It says nothing of requests over HTTP.
///
/// ```
/// # use auditrail::config::Environment;
/// # use auditrail::identity::EnvironmentIdentity;
/// let environment = Environment::of_process_with(&["MCP_USER"]);
/// let mut builder = auditrail::Trail::builder("weather");
/// if let Some(user) = EnvironmentIdentity::read(&environment, "MCP_USER").unwrap() {
///     builder = builder.identify(user);
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentIdentity(Actor);

impl EnvironmentIdentity {
    /// The actor that a variable names, unless it is not set. [`Environment::of_process_with`] reads variables of any name.
    ///
    /// # Errors
    /// If the value is not UTF-8.
    pub fn read(environment: &Environment, variable: &str) -> Result<Option<Self>, ConfigError> {
        Ok(environment.text(variable)?.map(|id| Self(Actor::asserted(id))))
    }

    /// Sets the name of the actor, `user.name`.
    #[must_use]
    pub fn with_name(mut self, name: Option<String>) -> Self {
        self.0.name = name;
        self
    }

    /// Sets the tenant of the actor.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Option<String>) -> Self {
        self.0.tenant = tenant;
        self
    }
}

impl Extractor for EnvironmentIdentity {
    fn source(&self) -> &'static str {
        "environment"
    }

    fn extract(&self, request: &RequestFacts<'_>) -> Option<Actor> {
        request.is_local().then(|| self.0.clone())
    }

    fn can_verify(&self) -> bool {
        false
    }
}
