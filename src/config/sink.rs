//! Where records go.

use std::path::{Path, PathBuf};

use super::directory::absolute;
use super::environment::Environment;
use super::error::ConfigError;
use super::list::entries;
use super::overrides::Overrides;
use super::sink_kind::SinkKind;
use super::variables::{FILE_KEEP, FILE_MAX_BYTES, FILE_PATH, SINK};

/// Where records go (default: to the collector).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkSettings {
    /// Whether the collector gets them.
    pub otlp: bool,
    /// The file that gets them, if one does.
    pub file: Option<FileSettings>,
    /// Whether they are written to standard error.
    pub stderr: bool,
    /// Whether the host's logger gets copies.
    pub log: bool,
}

/// A file of OTLP JSON lines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileSettings {
    /// The file (default: `trail.jsonl` in the state directory of the service).
    pub path: PathBuf,
    /// The size at which it is rotated (default: 100 MiB).
    pub max_bytes: u64,
    /// How many rotated files are kept (default: 10).
    pub keep: u32,
}

impl SinkSettings {
    pub(super) fn read(
        overrides: &Overrides,
        environment: &Environment,
        directory: &Path,
    ) -> Result<Self, ConfigError> {
        let (source, kinds) = match &overrides.sinks {
            Some(kinds) => ("sinks() of the builder", kinds.clone()),
            None => (SINK, kinds(environment)?.unwrap_or_else(|| vec![SinkKind::Otlp])),
        };
        let has = |kind| kinds.contains(&kind);
        if !kinds.iter().any(|kind| *kind != SinkKind::Log) {
            let problem = if has(SinkKind::Log) { LOG_ALONE } else { "no sink is named" };
            return Err(ConfigError::secret(source, problem, "name one or more of otlp, file and stderr as well"));
        }
        let file = has(SinkKind::File).then(|| FileSettings::read(overrides, environment, directory)).transpose()?;
        if file.is_none() {
            refuse_unused(overrides, environment)?;
        }
        Ok(Self { otlp: has(SinkKind::Otlp), file, stderr: has(SinkKind::Stderr), log: has(SinkKind::Log) })
    }
}

impl FileSettings {
    fn read(overrides: &Overrides, environment: &Environment, directory: &Path) -> Result<Self, ConfigError> {
        let path = match (&overrides.file, environment.text(FILE_PATH)?) {
            // The host may go to another directory while it runs.
            (Some(path), _) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            (None, Some(path)) => absolute(FILE_PATH, path)?,
            (None, None) => directory.join(DEFAULT_NAME),
        };
        if path.file_name().is_none() {
            return Err(ConfigError::secret(
                FILE_PATH,
                "it does not name a file",
                "set a path such as /var/lib/weather/trail.jsonl",
            ));
        }
        let (source, bytes) = match overrides.file_max_bytes {
            Some(bytes) => ("file_max_bytes() of the builder", Some(bytes)),
            None => (FILE_MAX_BYTES, environment.number(FILE_MAX_BYTES, "a number of bytes, such as 104857600")?),
        };
        if let Some(bytes) = bytes.filter(|bytes| *bytes < LEAST_BYTES) {
            let problem = "a file needs space for the records of one request";
            return Err(ConfigError::value(source, &bytes.to_string(), problem, format!("set at least {LEAST_BYTES}")));
        }
        let (source, keep) = match overrides.file_keep {
            Some(keep) => ("file_keep() of the builder", Some(u64::from(keep))),
            None => (FILE_KEEP, environment.number(FILE_KEEP, "a number of files, such as 10")?),
        };
        let keep = u32::try_from(keep.unwrap_or(DEFAULT_KEEP)).ok().filter(|keep| (1..=MOST_KEPT).contains(keep));
        let Some(keep) = keep else {
            return Err(ConfigError::secret(source, "that many files cannot be kept", format!("set 1 to {MOST_KEPT}")));
        };
        Ok(Self { path, max_bytes: bytes.unwrap_or(DEFAULT_BYTES), keep })
    }
}

/// A setting without effect is a mistake: somebody believes that there is a file.
fn refuse_unused(overrides: &Overrides, environment: &Environment) -> Result<(), ConfigError> {
    let in_code = [
        (overrides.file.is_some(), "file() of the builder"),
        (overrides.file_max_bytes.is_some(), "file_max_bytes() of the builder"),
        (overrides.file_keep.is_some(), "file_keep() of the builder"),
    ];
    let mut set = in_code.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name);
    let unused = match set.next() {
        Some(name) => Some(name),
        // What a configuration file says of a file that the environment does not want is not a mistake.
        None => {
            let set = environment.first(&[FILE_PATH, FILE_MAX_BYTES, FILE_KEEP])?;
            set.map(|(name, _)| name).filter(|name| !environment.is_of_file(name))
        }
    };
    match unused {
        Some(name) => {
            let fix = format!("set {SINK} to file, or to otlp,file to keep the collector");
            Err(ConfigError::secret(name, "no sink is a file", fix))
        }
        None => Ok(()),
    }
}

fn kinds(environment: &Environment) -> Result<Option<Vec<SinkKind>>, ConfigError> {
    let Some(list) = environment.text(SINK)? else { return Ok(None) };
    let kind = |(position, entry): (usize, &str)| match entry.trim() {
        "otlp" => Ok(SinkKind::Otlp),
        "file" => Ok(SinkKind::File),
        "stderr" => Ok(SinkKind::Stderr),
        "log" => Ok(SinkKind::Log),
        "stdout" => Err(ConfigError::secret(
            SINK,
            format!("entry {position}: standard output is not a sink, as it belongs to MCP over stdio"),
            "set stderr or file",
        )),
        _ => Err(ConfigError::secret(
            SINK,
            format!("entry {position}: there is no such sink"),
            "set one or more of otlp, file, stderr and log, with commas in between",
        )),
    };
    entries(list).map(kind).collect::<Result<_, _>>().map(Some)
}

const LOG_ALONE: &str = "log is only a copy, and records need a sink that keeps them";
const DEFAULT_NAME: &str = "trail.jsonl";
/// As for the `file` exporter of the collector.
const DEFAULT_BYTES: u64 = 100 << 20;
/// The lines of one batch.
const LEAST_BYTES: u64 = 1 << 20;
/// With the one that is written as much as may wait in the journal, about.
const DEFAULT_KEEP: u64 = 10;
/// Each is renamed at a rotation.
const MOST_KEPT: u32 = 10_000;
