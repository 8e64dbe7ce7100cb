//! The OTel resource, which identifies the emitter.

use super::environment::{Environment, NotUnderstood};
use super::error::ConfigError;
use super::list::{entries, percent_decode};
use super::overrides::Overrides;
use super::warnings::Warnings;

/// The resource attributes, without `service.instance.id` unless it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceSettings {
    /// Keys and values, including `service.name`; keys are unique.
    pub attributes: Vec<(String, String)>,
}

impl ResourceSettings {
    pub(super) fn read(
        overrides: &Overrides,
        environment: &Environment,
        warnings: &mut Warnings,
    ) -> Result<Self, ConfigError> {
        let mut resource = Self { attributes: Vec::new() };
        for (key, value) in environment.understood(&[RESOURCE_ATTRIBUTES], warnings, pairs)?.unwrap_or_default() {
            resource.set(key, value);
        }
        if let Some(name) = environment.text(SERVICE_NAME_VARIABLE)? {
            resource.set(SERVICE_NAME.into(), name.into());
        }
        for (key, value) in &overrides.resource {
            resource.set(key.clone(), value.clone());
        }
        if let Some(name) = overrides.service_name.as_ref().filter(|name| !name.is_empty()) {
            resource.set(SERVICE_NAME.into(), name.clone());
        }
        match resource.get(SERVICE_NAME) {
            Some(name) if !name.is_empty() => Ok(resource),
            _ => Err(ConfigError::value(
                SERVICE_NAME_VARIABLE,
                "",
                "the service has no name, and every record needs one",
                "give a name to Trail::builder, or set the variable",
            )),
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// `service.name`; it always exists.
    #[must_use]
    pub fn service_name(&self) -> &str {
        self.get(SERVICE_NAME).unwrap_or_default()
    }

    fn set(&mut self, key: String, value: String) {
        self.attributes.retain(|(name, _)| *name != key);
        self.attributes.push((key, value));
    }
}

/// The service's name, if the environment has one.
#[cfg(feature = "internals")]
pub fn service_name_of(environment: &Environment) -> Result<Option<String>, ConfigError> {
    if let Some(name) = environment.text(SERVICE_NAME_VARIABLE)? {
        return Ok(Some(name.to_owned()));
    }
    // Reading the settings reports what is wrong with it.
    let told = &mut Warnings::default();
    let attributes = environment.understood(&[RESOURCE_ATTRIBUTES], told, pairs)?.unwrap_or_default();
    Ok(attributes.into_iter().find(|(key, _)| key == SERVICE_NAME).map(|(_, name)| name))
}

/// Parses `key=value,key=value`, percent-encoded. If there is a mistake in it, none of it counts (OTel specification,
/// resource SDK).
fn pairs(list: &str) -> Result<Vec<(String, String)>, NotUnderstood> {
    entries(list)
        .map(|(position, entry)| {
            let wrong = |problem: &str| {
                NotUnderstood::new(
                    format!("entry {position}: {problem}"),
                    "write key=value,key=value with special characters percent-encoded",
                )
            };
            let (key, value) = entry.split_once('=').ok_or_else(|| wrong("there is no '='"))?;
            let decode = |text: &str| {
                percent_decode(text.trim())
                    .ok_or_else(|| wrong("a '%' is not followed by two hexadecimal digits, or the result is not UTF-8"))
            };
            match decode(key)? {
                key if key.is_empty() => Err(wrong("the key is empty")),
                key => Ok((key, decode(value)?)),
            }
        })
        .collect()
}

const SERVICE_NAME: &str = "service.name";
pub(super) const SERVICE_NAME_VARIABLE: &str = "OTEL_SERVICE_NAME";
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
