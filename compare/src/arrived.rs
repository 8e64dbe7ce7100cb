//! What arrived: the ids in the files of the collector.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;

/// How often each id arrived.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    times: HashMap<u64, u64>,
}

impl Arrived {
    /// Reads every file in the collector's folder, also those that it has rotated away.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let mut arrived = Self::default();
        for file in files(folder)? {
            let what = || format!("reading {}", file.display());
            let mut lines = BufReader::new(File::open(&file).map_err(Error::io(what()))?);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).map_err(Error::io(what()))? > 0 {
                arrived.add(&line);
                line.clear();
            }
        }
        Ok(arrived)
    }

    /// One line: a request. A collector that was killed while it wrote leaves half a request, and the next one, whole,
    /// stands behind it on the same line.
    pub(crate) fn add(&mut self, line: &[u8]) {
        let request = serde_json::from_slice(line).ok().or_else(|| serde_json::from_slice(last_request(line)?).ok());
        let Some(Request { resource_logs }) = request else { return };
        let records = resource_logs.iter().flat_map(|logs| &logs.scope_logs).flat_map(|logs| &logs.log_records);
        for id in records.filter_map(LogRecord::id) {
            *self.times.entry(id).or_default() += 1;
        }
    }

    /// How many of these ids arrived, once or more often.
    pub(crate) fn of(&self, ids: &HashSet<u64>) -> u64 {
        self.times.keys().filter(|id| ids.contains(id)).count() as u64
    }

    /// Ids whose emission had not returned: nobody was promised that they arrive, and they may.
    pub(crate) fn beyond(&self, ids: &HashSet<u64>) -> u64 {
        self.times.keys().filter(|id| !ids.contains(id)).count() as u64
    }

    /// Arrivals of an id after its first.
    pub(crate) fn duplicates(&self) -> u64 {
        self.times.values().map(|times| times.saturating_sub(1)).sum()
    }
}

/// The bytes of all files there.
pub(crate) fn size(folder: &Path) -> Result<u64, Error> {
    // A file may be rotated away between the listing and the question; then it is asked again.
    Ok(files(folder)?.iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len()).sum())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(Error::io(format!("listing {}", folder.display())))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

fn last_request(line: &[u8]) -> Option<&[u8]> {
    let begin = line.windows(REQUEST.len()).rposition(|window| window == REQUEST)?;
    line.get(begin..)
}

const REQUEST: &[u8] = b"{\"resourceLogs\":";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs {
    #[serde(default)]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs {
    #[serde(default)]
    log_records: Vec<LogRecord>,
}

#[derive(Deserialize)]
struct LogRecord {
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value {
    /// OTLP in JSON writes 64 bits as text.
    int_value: Option<String>,
}

impl LogRecord {
    /// `None` for records of others, such as auditrail's own on a gap.
    fn id(&self) -> Option<u64> {
        self.attributes.iter().find(|attribute| attribute.key == "id")?.value.int_value.as_ref()?.parse().ok()
    }
}
