//! `OTEL_TRACES_SAMPLER` and its argument; whether there are spans at all.

use super::{ConfigError, Environment};

/// Which traces are kept. Audited ones are kept in any case (see `install_tracing`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SamplerSettings {
    /// The share of root spans that is kept, 0 to 1.
    pub ratio: f64,
    /// Whether a span with a parent follows the parent's decision.
    pub parent_based: bool,
}

impl SamplerSettings {
    pub(super) fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let name = environment.text(SAMPLER)?.unwrap_or("parentbased_always_on");
        let (root, parent_based) = match name.strip_prefix("parentbased_") {
            Some(root) => (root, true),
            None => (name, false),
        };
        let ratio = match root {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => ratio(environment)?,
            _ => {
                return Err(ConfigError::secret(
                    SAMPLER,
                    "unknown sampler",
                    "set always_on, always_off, traceidratio, or one of them behind parentbased_",
                ));
            }
        };
        Ok(Self { ratio, parent_based })
    }
}

/// Whether spans are exported. What the SDK's environment variables switch off is the SDK, which has the spans; audit records
/// do not go through it.
pub(super) fn exports_traces(environment: &Environment) -> Result<bool, ConfigError> {
    // Any other value is false (OTel specification, environment variables).
    if environment.text(DISABLED)?.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return Ok(false);
    }
    match environment.text(EXPORTER)? {
        None | Some("otlp") => Ok(true),
        Some("none") => Ok(false),
        Some(_) => Err(ConfigError::secret(
            EXPORTER,
            "auditrail exports spans by OTLP",
            "set otlp, or none for records without spans",
        )),
    }
}

fn ratio(environment: &Environment) -> Result<f64, ConfigError> {
    let Some(text) = environment.text(ARGUMENT)? else { return Ok(1.0) };
    match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(ConfigError::secret(ARGUMENT, "not a ratio", "set a number from 0 to 1, such as 0.1")),
    }
}

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const DISABLED: &str = "OTEL_SDK_DISABLED";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
