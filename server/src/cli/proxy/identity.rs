//! The extractors of `[identity]`, in the order in which they are asked: people before programs, what a request carries before
//! what the process has.

use auditrail::identity::{EnvironmentIdentity, IdentityFields, OsUser};
use auditrail::trail::TrailBuilder;

use super::config::Configuration;
use crate::cli::outcome::Failure;
use crate::config::file::{HeaderIdentity, ProcessIdentity};

/// The extractors of servers over HTTP.
pub(super) fn over_http(configuration: &Configuration, mut trail: TrailBuilder) -> Result<TrailBuilder, Failure> {
    let identity = &configuration.file.identity;
    if let Some(headers) = &identity.headers {
        trail = trail.identify(fields(headers));
    }
    Ok(trail)
}

/// The extractors of a server over stdio.
pub(super) fn over_stdio(configuration: &Configuration, mut trail: TrailBuilder) -> Result<TrailBuilder, Failure> {
    let identity = &configuration.file.identity;
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
