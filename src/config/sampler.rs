//! `OTEL_TRACES_SAMPLER` and its argument; and whether there are spans.

use super::environment::{Environment, NotUnderstood};
use super::error::ConfigError;
use super::warnings::Warnings;

/// Which traces are kept. Audited traces are kept in any case (see `install_tracing`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SamplerSettings {
    /// The ratio of root spans that are kept, 0 to 1 (default: 1).
    pub ratio: f64,
    /// Whether a span with a parent follows the parent's decision.
    pub parent_based: bool,
}

impl SamplerSettings {
    pub(super) fn read(environment: &Environment, warnings: &mut Warnings) -> Result<Self, ConfigError> {
        let found = environment.understood(&[SAMPLER], warnings, |text| {
            let name = text.to_ascii_lowercase();
            let (root, parent_based) = match name.strip_prefix("parentbased_") {
                Some(root) => (root, true),
                None => (name.as_str(), false),
            };
            match root {
                "always_on" => Ok((Some(1.0), parent_based)),
                "always_off" => Ok((Some(0.0), parent_based)),
                "traceidratio" => Ok((None, parent_based)),
                _ => Err(NotUnderstood::new(
                    "unknown sampler",
                    "set always_on, always_off, traceidratio, or one of them with the prefix parentbased_",
                )),
            }
        })?;
        let (ratio, parent_based) = found.unwrap_or((Some(1.0), true));
        let ratio = match ratio {
            Some(ratio) => ratio,
            None => environment.understood(&[ARGUMENT], warnings, ratio_of)?.unwrap_or(1.0),
        };
        Ok(Self { ratio, parent_based })
    }
}

/// Whether spans are exported. The SDK's environment variables disable the SDK, which creates the spans; audit
/// records do not use it.
pub(super) fn exports_traces(environment: &Environment, warnings: &mut Warnings) -> Result<bool, ConfigError> {
    let disabled = environment.understood(&[DISABLED], warnings, |text| match text {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        // Any other value means false (OTel specification, environment variables).
        _ => Err(NotUnderstood::new("it is neither true nor false", "set true or false")),
    })?;
    if disabled == Some(true) {
        return Ok(false);
    }
    let wanted = environment.understood(&[EXPORTER], warnings, |list| {
        let names = || list.split(',').map(str::trim);
        let has = |wanted: &str| names().any(|name| name.eq_ignore_ascii_case(wanted));
        match (has("otlp"), has("none")) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            _ => Err(NotUnderstood::new(
                "auditrail exports spans by OTLP",
                "set otlp, or none for records without spans",
            )),
        }
    })?;
    Ok(wanted.unwrap_or(true))
}

/// Whether somebody asks for the export of spans by name.
pub(super) fn names_exporter(environment: &Environment) -> Result<bool, ConfigError> {
    Ok(environment.text(EXPORTER)?.is_some_and(|list| list.to_ascii_lowercase().contains("otlp")))
}

fn ratio_of(text: &str) -> Result<f64, NotUnderstood> {
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(NotUnderstood::new("not a ratio", "set a number from 0 to 1, such as 0.1")),
    }
}

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const DISABLED: &str = "OTEL_SDK_DISABLED";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
