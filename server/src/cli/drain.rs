//! `auditrail journal drain`.

use auditrail::Trail;
use auditrail::journal::Owner;
use auditrail::trail::{DrainReport, StartError, drain};
use serde_json::json;

use super::args::DrainArguments;
use super::location::Place;
use super::outcome::{Answer, Failure};
use super::progress::Progress;
use super::shown::plain;
use super::words::Words;

pub(super) fn run(place: &Place, arguments: &DrainArguments) -> Result<Answer, Failure> {
    let owned = place.inspection.streams().map_err(Failure::failed)?;
    if owned.iter().all(|stream| place.inspection.owner(*stream) == Owner::Alive) {
        return Ok(nothing(place, owned.len()));
    }
    let progress = Progress::of_records("draining");
    let notices = progress.clone();
    let mut builder = Trail::builder("auditrail")
        .environment(place.environment.clone())
        .directory(place.state.clone())
        .on_notice(move |notice| notices.notice(notice));
    if let Some(endpoint) = &arguments.collector.endpoint {
        builder = builder.endpoint(endpoint);
    }
    let result = drain(builder, arguments.timeout, |so_far| progress.at(so_far.settled, so_far.records));
    progress.end();
    let report = result.map_err(|error| match &error {
        StartError::Config(_) => Failure::usage(Words::of_journals().start(&error)),
        error => Failure::failed(Words::of_journals().start(error)),
    })?;
    let well = report.is_complete() && report.quarantined == 0 && report.lost == 0;
    Ok(if place.json { json_of(&report, well) } else { text_of(&report, well) })
}

fn nothing(place: &Place, streams: usize) -> Answer {
    if place.json {
        let none: [(); 0] = [];
        let nothing = json!({
            "streams": none, "left_alone": none, "records": 0, "delivered": 0, "quarantined": 0, "lost": 0,
            "pending": 0, "not_looked_at": 0, "own": null,
        });
        return Answer::json(&nothing, true);
    }
    Answer::new(format!("nothing to drain: each of the {streams} stream(s) has an owner that ships it\n"), true)
}

fn text_of(report: &DrainReport, well: bool) -> Answer {
    let mut text = String::new();
    for stream in &report.found {
        let state = if report.drained.contains(&stream.stream) { "drained" } else { "not drained" };
        text += &format!(
            "stream {}: {state}; {} record(s) waited, {} open call(s) were answered\n",
            stream.stream, stream.pending, stream.answered
        );
    }
    for (stream, error) in &report.unreadable_streams {
        text += &format!("stream {stream}: left alone: {}\n", plain(&error.to_string()));
    }
    text += &format!(
        "{} of {} stream(s) drained: {} record(s) delivered, {} quarantined, {} lost, {} still waiting\n",
        report.drained.len(),
        report.found.len() + report.unreadable_streams.len(),
        report.delivered,
        report.quarantined,
        report.lost,
        report.pending()
    );
    if report.unvisited_streams > 0 {
        text += &format!("up to {} more stream(s) were not looked at\n", report.unvisited_streams);
    }
    Answer::new(text, well)
}

fn json_of(report: &DrainReport, well: bool) -> Answer {
    let streams = report.found.iter().map(|stream| {
        json!({
            "stream": stream.stream.to_string(),
            "drained": report.drained.contains(&stream.stream),
            "waited": stream.pending,
            "answered": stream.answered,
            "records": stream.records,
        })
    });
    let left_alone = report
        .unreadable_streams
        .iter()
        .map(|(stream, error)| json!({ "stream": stream.to_string(), "error": error.to_string() }));
    let report = json!({
        "streams": streams.collect::<Vec<_>>(),
        "left_alone": left_alone.collect::<Vec<_>>(),
        "records": report.records(),
        "delivered": report.delivered,
        "quarantined": report.quarantined,
        "lost": report.lost,
        "pending": report.pending(),
        "not_looked_at": report.unvisited_streams,
        "own": report.own_stream.to_string(),
    });
    Answer::json(&report, well)
}
