//! `auditrail journal quarantine`.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use auditrail::config::{JournalWithout, Overrides, Settings};
use auditrail::internals::config::journal_without;
use auditrail::internals::hex::hex;
use auditrail::journal::{Cause, Disk, Entry, Quarantine, Quarantined, Tolerant, Without};
use auditrail::record::Record;
use auditrail::ship::{OtlpConnector, Replay};
use serde_json::{Value, json};

use super::args::{DiscardArguments, QuarantineCommand, ReplayArguments};
use super::location::Place;
use super::outcome::{Answer, Failure};
use super::progress::Progress;
use super::shown::{bytes, json_record, plain, record, service, time};
use super::words::Words;

pub(super) fn run(place: &Place, command: &QuarantineCommand) -> Result<Answer, Failure> {
    match command {
        QuarantineCommand::List => list(place),
        QuarantineCommand::Show { name } => show(place, stem(name)),
        QuarantineCommand::Replay(arguments) => replay(place, arguments),
        QuarantineCommand::Discard(arguments) => discard(place, arguments),
    }
}

fn list(place: &Place) -> Result<Answer, Failure> {
    let (mut well, mut text, mut files) = (true, String::new(), Vec::new());
    for name in place.inspection.quarantine_names().map_err(Failure::failed)? {
        match place.inspection.quarantined(&name) {
            Ok(file) => {
                files.push(json_of(&name, &file));
                text += &text_of(&name, &file);
            }
            Err(error) => {
                well = false;
                files.push(json!({ "name": name, "unreadable": error.to_string() }));
                text += &format!("{}\n  unreadable: {}\n", plain(&name), plain(&error.to_string()));
            }
        }
    }
    if place.json {
        return Ok(Answer::json(&json!({ "files": files }), well));
    }
    text += &format!("{} file(s) in quarantine\n", files.len());
    Ok(Answer::new(text, well))
}

fn show(place: &Place, name: &str) -> Result<Answer, Failure> {
    let file = place.inspection.quarantined(name).map_err(Failure::failed)?;
    if place.json {
        let entries: Vec<_> = file.entries.iter().map(|entry| json_of_entry(&file, entry)).collect();
        return Ok(Answer::json(&json!({ "file": json_of(name, &file), "entries": entries }), true));
    }
    let mut text = text_of(name, &file);
    for entry in &file.entries {
        text += &format!("\nrecord {}\n", entry.sequence);
        match decoded(&file, entry) {
            Ok(decoded) => text += &record(&decoded),
            Err(why) => {
                text += &format!("  {why}: {} byte(s), in hexadecimal\n  {}\n", entry.record.len(), hex(&entry.record))
            }
        }
    }
    Ok(Answer::new(text, true))
}

fn replay(place: &Place, arguments: &ReplayArguments) -> Result<Answer, Failure> {
    let names = match arguments.all {
        true => place.inspection.quarantine_names().map_err(Failure::failed)?,
        false => existing(place, &arguments.names)?,
    };
    let overrides = Overrides {
        service_name: Some("auditrail".into()),
        directory: Some(place.state.clone()),
        endpoint: arguments.collector.endpoint.clone(),
        ..Overrides::default()
    };
    let told = |error| Failure::usage(Words::of_journals().config(&error));
    let settings = Settings::read(&overrides, &place.environment).map_err(told)?;
    let replay = Replay::connect(&OtlpConnector, &settings.logs).map_err(Failure::failed)?;
    let quarantine = quarantine(place)?;
    let progress = Progress::of_records("replaying");
    let (mut text, mut files, mut kept) = (String::new(), Vec::new(), 0);
    for (index, name) in (0..).zip(&names) {
        progress.at(index, names.len() as u64);
        let result = replay.replay(&quarantine, name, arguments.timeout).map_err(|error| error.to_string());
        match &result {
            Ok(records) => {
                text += &format!("{}: {records} record(s) delivered; removed from quarantine\n", plain(name));
            }
            Err(why) => {
                kept += 1;
                text += &format!("{}: kept: {}\n", plain(name), plain(why));
            }
        }
        let (delivered, why) = (result.as_ref().ok(), result.as_ref().err());
        files.push(json!({ "name": name, "delivered": delivered, "kept": why }));
    }
    progress.end();
    if place.json {
        return Ok(Answer::json(&json!({ "files": files }), kept == 0));
    }
    text += &format!("{} of {} file(s) replayed\n", names.len() - kept, names.len());
    Ok(Answer::new(text, kept == 0))
}

fn discard(place: &Place, arguments: &DiscardArguments) -> Result<Answer, Failure> {
    let names = existing(place, &arguments.names)?;
    if !arguments.yes && !confirmed(names.len())? {
        return Err(Failure::failed("nothing was discarded"));
    }
    let quarantine = quarantine(place)?;
    for name in &names {
        quarantine.discard(name).map_err(Failure::failed)?;
    }
    if place.json {
        return Ok(Answer::json(&json!({ "discarded": names }), true));
    }
    Ok(Answer::new(names.iter().fold(String::new(), |text, name| text + &plain(name) + ": discarded\n"), true))
}

/// Asks the user at the terminal.
fn confirmed(files: usize) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "discarding is permanent and needs confirmation, but standard input is not a terminal; give --yes to skip the question",
        ));
    }
    drop(write!(io::stderr(), "{files} file(s) and the records in them will be deleted permanently. Continue? [y/N] "));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The names of the arguments. If one does not exist, nothing is done.
fn existing(place: &Place, names: &[String]) -> Result<Vec<String>, Failure> {
    let there = place.inspection.quarantine_names().map_err(Failure::failed)?;
    let names: Vec<_> = names.iter().map(|name| stem(name).to_owned()).collect();
    match names.iter().find(|name| !there.contains(name)) {
        Some(name) => Err(Failure::failed(format!(
            "there is no {name:?} in the quarantine of {}; `auditrail journal quarantine list` shows what is there",
            place.journal.display()
        ))),
        None => Ok(names),
    }
}

/// The name of a file, which may be given as it is on disk.
fn stem(name: &str) -> &str {
    name.strip_suffix(".rec").unwrap_or(name)
}

/// Opened on a disk that may lack what it may lack for the service.
fn quarantine(place: &Place) -> Result<Quarantine, Failure> {
    let told = |error| Failure::usage(Words::of_journals().config(&error));
    let JournalWithout { directory_sync, lock, .. } = journal_without(&place.environment).map_err(told)?;
    let disk = Tolerant::new(Arc::new(Disk::default()), Without { directory_sync, lock });
    Ok(Quarantine::of(Arc::new(disk), &place.journal))
}

fn text_of(name: &str, file: &Quarantined) -> String {
    let size: u64 = file.entries.iter().map(|entry| entry.record.len() as u64).sum();
    let (service, reason) = (plain(&service(&file.resource)), plain(&file.reason));
    let refused = match file.cause {
        Cause::PartlyRefused => format!(", {} of which were refused", file.refused),
        _ => String::new(),
    };
    format!(
        "{}\n  cause    {} at {}\n  stream   {}  {service}\n  records  {} to {} ({}, {}){refused}\n  reason   {reason}\n",
        plain(name),
        cause(file.cause),
        time(file.time_unix_nano),
        file.stream,
        file.first,
        file.last,
        file.entries.len(),
        bytes(size),
    )
}

fn json_of(name: &str, file: &Quarantined) -> Value {
    json!({
        "name": name,
        "cause": cause(file.cause),
        "time": time(file.time_unix_nano),
        "stream": file.stream.to_string(),
        "service": service(&file.resource),
        "first": file.first,
        "last": file.last,
        "records": file.entries.len(),
        "refused": file.refused,
        "bytes": file.entries.iter().map(|entry| entry.record.len() as u64).sum::<u64>(),
        "reason": file.reason,
    })
}

fn json_of_entry(file: &Quarantined, entry: &Entry) -> Value {
    match decoded(file, entry) {
        Ok(record) => json!({ "sequence": entry.sequence, "record": json_record(&record) }),
        Err(why) => json!({ "sequence": entry.sequence, "undecodable": why, "hex": hex(&entry.record) }),
    }
}

/// Damaged bytes are never shown as if they were a record.
fn decoded(file: &Quarantined, entry: &Entry) -> Result<Record, String> {
    match file.cause {
        Cause::Damaged => Err("damaged on the disk".into()),
        _ => Record::decode(&entry.record).map_err(|error| error.to_string()),
    }
}

const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::PartlyRefused => "partly_refused",
        Cause::Damaged => "damaged",
        _ => "refused",
    }
}
