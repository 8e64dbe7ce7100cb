//! Prints records. Their values come from others: no terminal interprets any of it.

use std::io::{self, IsTerminal as _, Write as _};

use auditrail::config::Environment;
use auditrail::internals::hex::hex;
use auditrail::internals::ship::json_lines;
use auditrail::record::{Record, names};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use prost::Message as _;

use super::found::Found;
use crate::cli::args::TailFormat;
use crate::cli::outcome::Failure;
use crate::cli::shown::{escaped, json_record, plain, time};

/// Prints one record after the other.
#[derive(Debug)]
pub(super) struct Printer {
    format: TailFormat,
    has_colour: bool,
    /// The heads of the columns stand there.
    has_begun: bool,
}

impl Printer {
    pub(super) fn of(format: TailFormat) -> Self {
        Self { format, has_colour: io::stdout().is_terminal() && wants_colour(), has_begun: false }
    }

    /// Returns whether somebody still reads.
    pub(super) fn print(&mut self, found: &Found) -> Result<bool, Failure> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let text = match self.format {
            TailFormat::Text if is_first => format!("{HEADS}\n{}\n", self.row(found)),
            TailFormat::Text => format!("{}\n", self.row(found)),
            TailFormat::Json => object(found),
            TailFormat::Otlp => line(found),
        };
        let mut output = io::stdout();
        match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::failed(format!(
                "cannot write to standard output: {error}; check where it is redirected to"
            ))),
        }
    }

    /// The columns of `cargo run --example quickstart`, behind the time.
    fn row(&self, found: &Found) -> String {
        let text = |name| plain(found.text(name));
        let number = match found.value(names::AUDIT_SEQUENCE_NUMBER) {
            Some(Value::IntValue(number)) => number.to_string(),
            _ => String::new(),
        };
        let millis = match found.value(names::AUDITRAIL_DURATION) {
            Some(Value::DoubleValue(seconds)) => format!("{:.3}", seconds * 1e3),
            _ => String::new(),
        };
        let subject = SUBJECTS.into_iter().map(text).find(|text| !text.is_empty()).unwrap_or_default();
        let (severity, begin, end) = self.severity(found);
        let event = plain(&found.record.event_name);
        let trace: String = hex(&found.record.trace_id).chars().take(8).collect();
        let row = format!(
            "{} {number:>4} {begin}{severity:<6}{end} {:<17} {:<8} {subject:<25} {:<12} {:<15} {:<7} {:<11} {millis:>9} {trace:<8} {}",
            time(found.time()),
            event.strip_prefix("auditrail.").unwrap_or(&event),
            text(names::AUDITRAIL_PHASE),
            text(names::AUDIT_ACTOR_ID),
            text(names::AUDIT_TARGET_ID),
            text(names::AUDIT_OUTCOME),
            text(names::AUDITRAIL_OUTCOME_DETAIL),
            hex(&found.record.span_id),
        );
        row.trim_end().to_owned()
    }

    /// The severity, and what a terminal is told before and after it.
    fn severity(&self, found: &Found) -> (String, &'static str, &'static str) {
        let colour = match found.record.severity_number {
            13..17 => "\u{1b}[33m",
            17.. => "\u{1b}[31m",
            _ => "",
        };
        let text = plain(&found.record.severity_text);
        if self.has_colour && !colour.is_empty() { (text, colour, "\u{1b}[0m") } else { (text, "", "") }
    }
}

/// One object in one line: that of `journal quarantine show`, and the service.
fn object(found: &Found) -> String {
    let mut object = Record::from_proto(found.record.clone())
        .map_or_else(|error| serde_json::json!({ "undecodable": error.to_string() }), |record| json_record(&record));
    if let Some(object) = object.as_object_mut() {
        object.insert("service".into(), found.service().into());
    }
    escaped(&format!("{object}\n"))
}

fn line(found: &Found) -> String {
    let scope_logs = ScopeLogs {
        scope: Some(found.scope.clone()),
        log_records: vec![found.record.clone()],
        schema_url: found.schema_url.clone(),
    };
    let of_resource = ResourceLogs {
        resource: Some(found.resource.clone()),
        scope_logs: vec![scope_logs],
        schema_url: found.schema_url.clone(),
    };
    let request = ExportLogsServiceRequest { resource_logs: vec![of_resource] };
    // What was encoded can be decoded, and is UTF-8.
    let lines = json_lines(&request.encode_to_vec()).unwrap_or_default();
    escaped(&String::from_utf8_lossy(&lines))
}

/// <https://no-color.org>
fn wants_colour() -> bool {
    let environment = Environment::of_process_with(&["NO_COLOR", "TERM"]);
    let says = |name| environment.text(name).ok().flatten().map(str::to_owned);
    says("NO_COLOR").is_none() && says("TERM").as_deref() != Some("dumb")
}

const SUBJECTS: [&str; 4] = [
    names::GEN_AI_TOOL_NAME,
    names::MCP_METHOD_NAME,
    names::AUDITRAIL_MCP_SESSION_STATE,
    names::AUDITRAIL_LIFECYCLE_STATE,
];
const HEADS: &str = "time                             nr sev    event             phase    tool, method or state     actor        target          outcome detail             ms trace    span";
