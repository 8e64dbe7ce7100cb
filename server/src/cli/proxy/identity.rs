//! The extractors of `[identity]`, in the order in which they are asked: people before programs, what a request carries before
//! what the process has.

use std::num::NonZeroU32;

use auditrail::identity::{EnvironmentIdentity, IdentityFields, OsUser, UnverifiedAlarm};
use auditrail::trail::TrailBuilder;

use super::config::Configuration;
use crate::cli::outcome::Failure;
#[cfg(feature = "jwt")]
use crate::config::file::JwtSettings;
use crate::config::file::{HeaderIdentity, IdentitySettings, ProcessIdentity};
use crate::proxy::http::CertificateExtractor;

/// The extractors of servers over HTTP.
pub(super) fn over_http(configuration: &Configuration, mut trail: TrailBuilder) -> Result<TrailBuilder, Failure> {
    let identity = &configuration.file.identity;
    trail = with_alarm(identity, trail);
    #[cfg(feature = "jwt")]
    {
        trail = with_tokens(identity, trail)?;
    }
    let (authenticated, asserted) = match &identity.headers {
        Some(headers) if headers.authenticated => (Some(headers), None),
        headers => (None, headers.as_ref()),
    };
    // A hop that authenticates people may show a certificate of its own. What a hop only asserts counts for less than that.
    if let Some(headers) = authenticated {
        trail = trail.identify(fields(headers));
    }
    if configuration.file.listener.iter().any(|listener| listener.client_ca.is_some()) {
        trail = trail.identify(CertificateExtractor::new());
    }
    if let Some(headers) = asserted {
        trail = trail.identify(fields(headers));
    }
    Ok(trail)
}

/// The extractors of a server over stdio.
pub(super) fn over_stdio(configuration: &Configuration, mut trail: TrailBuilder) -> Result<TrailBuilder, Failure> {
    let identity = &configuration.file.identity;
    trail = with_alarm(identity, trail);
    #[cfg(feature = "jwt")]
    {
        trail = with_process_token(configuration, trail)?;
    }
    if let Some(names) = &identity.environment
        && let Some(user) = user(configuration, names)?
    {
        trail = trail.identify(user);
    }
    if identity.os_user {
        trail = trail.identify(OsUser::of_process());
    }
    Ok(trail)
}

/// Tokens of service accounts, and those of other issuers.
#[cfg(feature = "jwt")]
fn with_tokens(identity: &IdentitySettings, mut trail: TrailBuilder) -> Result<TrailBuilder, Failure> {
    if let Some(cluster) = &identity.kubernetes {
        trail = trail.identify(cluster.extractor(!identity.jwt.is_empty()).map_err(Failure::usage)?);
    }
    if !identity.jwt.is_empty() {
        trail = trail.identify(JwtSettings::extractor(&identity.jwt).map_err(Failure::usage)?);
    }
    Ok(trail)
}

/// The token that the environment has, if it has one.
#[cfg(feature = "jwt")]
fn with_process_token(configuration: &Configuration, trail: TrailBuilder) -> Result<TrailBuilder, Failure> {
    let identity = &configuration.file.identity;
    let Some(variable) = identity.token_variable.as_ref().filter(|_| !identity.jwt.is_empty()) else {
        return Ok(trail);
    };
    let token = configuration.environment().text(variable).map_err(Failure::usage)?.map(str::to_owned);
    let extractor = JwtSettings::extractor(&identity.jwt).map_err(Failure::usage)?;
    Ok(trail.identify(extractor.process_token(token)))
}

fn with_alarm(identity: &IdentitySettings, trail: TrailBuilder) -> TrailBuilder {
    let Some(settings) = identity.alarm else { return trail };
    let default = UnverifiedAlarm::default();
    let share = settings.share.map_or(default.share, |share| share.0);
    trail.unverified_alarm(UnverifiedAlarm::new(share, settings.calls.map_or(default.calls, NonZeroU32::get)))
}

fn fields(headers: &HeaderIdentity) -> IdentityFields {
    let mut fields = IdentityFields::new(headers.user.0.clone());
    fields.roles = headers.roles.as_ref().map(|name| name.0.clone());
    fields.tenant = headers.tenant.as_ref().map(|name| name.0.clone());
    fields.authenticated = headers.authenticated;
    fields
}

fn user(configuration: &Configuration, names: &ProcessIdentity) -> Result<Option<EnvironmentIdentity>, Failure> {
    let environment = configuration.environment();
    let text = |variable: &Option<String>| match variable {
        Some(variable) => Ok(environment.text(variable).map_err(Failure::usage)?.map(str::to_owned)),
        None => Ok(None),
    };
    let user = EnvironmentIdentity::read(environment, &names.user).map_err(Failure::usage)?;
    let (name, tenant) = (text(&names.name)?, text(&names.tenant)?);
    Ok(user.map(|user| user.with_name(name).with_tenant(tenant)))
}
