//! `auditrail journal stat`.

use std::time::Duration;

use auditrail::journal::{JournalStat, Owner, SinkStat, StreamStat};
use auditrail::record::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::location::Place;
use super::outcome::{Answer, Failure};
use super::shown::{age, bytes, plain, service, time};

pub(super) fn run(place: &Place) -> Result<Answer, Failure> {
    let stat = place.inspection.stat().map_err(Failure::failed)?;
    let well = stat.streams.iter().all(|stream| stream.unreadable.is_none()) && stat.quarantine.unreadable == 0;
    let now = SystemClock.unix_nano();
    Ok(match place.json {
        true => Answer::json(&json_of(place, &stat, now), well),
        false => Answer::new(text_of(place, &stat, now), well),
    })
}

fn text_of(place: &Place, stat: &JournalStat, now: u64) -> String {
    let quarantine = &stat.quarantine;
    let mut text = format!("journal     {}\n", plain(&place.journal.display().to_string()));
    let pending: u64 = stat.streams.iter().map(StreamStat::pending).sum();
    let on_disk = bytes(stat.allocated_bytes);
    text += &format!("streams     {}, {on_disk} on disk, {pending} record(s) pending\n", stat.streams.len());
    text += &format!(
        "quarantine  {} file(s), {} record(s), {}{}\n",
        quarantine.files,
        quarantine.records,
        bytes(quarantine.bytes),
        if quarantine.unreadable > 0 { "; some cannot be read: run `auditrail journal fsck`" } else { "" }
    );
    for stream in &stat.streams {
        text.push('\n');
        text += &text_of_stream(stream, now);
    }
    text
}

fn text_of_stream(stream: &StreamStat, now: u64) -> String {
    let process = stream.process.map(|process| format!(", process {process}")).unwrap_or_default();
    let begun = stream.begun_unix_nano.map(|begun| format!(", begun {}", time(begun))).unwrap_or_default();
    let owner = owner(stream.owner);
    let head = format!(
        "stream {}  {}\n  owner     {owner}{process}{begun}\n",
        stream.stream,
        plain(&service(&stream.resource))
    );
    if let Some(error) = &stream.unreadable {
        return format!("{head}  unreadable: {}; see `auditrail journal fsck`\n", plain(error));
    }
    // One sink is described by the lines above.
    let sinks = stream.sinks.iter().filter(|_| stream.sinks.len() > 1);
    let sinks = sinks.map(|SinkStat { sink, settled, pending, .. }| {
        format!("  sink      {sink}: settled through {settled}, {pending} record(s) pending\n")
    });
    let sinks: String = sinks.collect();
    let oldest = age_of(stream, now).map(|oldest| format!(", the oldest {} old", age(oldest))).unwrap_or_default();
    format!(
        "{head}  records   oldest on disk {}, settled through {}, next {}\n  \
         pending   {} record(s), {}{oldest}\n{sinks}  segments  {}, {}\n  calls     {} open; the stream has {}\n",
        stream.first,
        stream.settled,
        stream.next,
        stream.pending(),
        bytes(stream.pending_bytes),
        stream.segments,
        bytes(stream.allocated_bytes),
        stream.open_calls,
        if stream.ended { "ended" } else { "not ended" },
    )
}

fn json_of(place: &Place, stat: &JournalStat, now: u64) -> Value {
    let quarantine = &stat.quarantine;
    json!({
        "directory": place.journal.display().to_string(),
        "allocated_bytes": stat.allocated_bytes,
        "pending": stat.streams.iter().map(StreamStat::pending).sum::<u64>(),
        "quarantine": {
            "files": quarantine.files,
            "unreadable": quarantine.unreadable,
            "records": quarantine.records,
            "bytes": quarantine.bytes,
        },
        "streams": stat.streams.iter().map(|stream| json_of_stream(stream, now)).collect::<Vec<_>>(),
    })
}

fn json_of_stream(stream: &StreamStat, now: u64) -> Value {
    json!({
        "stream": stream.stream.to_string(),
        "service": service(&stream.resource),
        "owner": owner(stream.owner),
        "process": stream.process,
        "begun": stream.begun_unix_nano.map(time),
        "first": stream.first,
        "next": stream.next,
        "settled": stream.settled,
        "pending": stream.pending(),
        "sinks": stream.sinks.iter().map(json_of_sink).collect::<Vec<_>>(),
        "pending_bytes": stream.pending_bytes,
        "oldest_age_seconds": age_of(stream, now).map(|age| age.as_secs_f64()),
        "segments": stream.segments,
        "allocated_bytes": stream.allocated_bytes,
        "open_calls": stream.open_calls,
        "ended": stream.ended,
        "unreadable": stream.unreadable,
    })
}

fn json_of_sink(sink: &SinkStat) -> Value {
    json!({ "sink": sink.sink.as_str(), "settled": sink.settled, "pending": sink.pending })
}

fn age_of(stream: &StreamStat, now: u64) -> Option<Duration> {
    stream.oldest_unix_nano.map(|oldest| Duration::from_nanos(now.saturating_sub(oldest)))
}

const fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Alive => "alive",
        Owner::Gone => "gone",
        _ => "unknown",
    }
}
