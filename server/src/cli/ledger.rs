//! `auditrail journal ledger`.

use auditrail::journal::Ledger;
use serde_json::json;

use super::location::Place;
use super::outcome::{Answer, Failure};
use super::shown::{plain, time};

pub(super) fn run(place: &Place) -> Result<Answer, Failure> {
    let ledger = place.inspection.ledger().map_err(Failure::failed)?;
    let well = ledger.damaged.is_empty() && ledger.unknown.is_none();
    Ok(if place.json { json_of(place, &ledger, well) } else { Answer::new(text_of(place, &ledger, well), well) })
}

fn text_of(place: &Place, ledger: &Ledger, well: bool) -> String {
    let mut text = String::new();
    for removed in &ledger.streams {
        text +=
            &format!("stream {}  last record {}, removed {}\n", removed.stream, removed.last, time(removed.unix_nano));
    }
    let dropped = if ledger.dropped > 0 { format!("; {} older are not kept", ledger.dropped) } else { String::new() };
    let problems = if well { "" } else { "; some of it cannot be read: run `auditrail journal fsck`" };
    let (streams, journal) = (ledger.streams.len(), plain(&place.journal.display().to_string()));
    text + &format!("{streams} stream(s) of {journal} were shipped and removed{dropped}{problems}\n")
}

fn json_of(place: &Place, ledger: &Ledger, well: bool) -> Answer {
    let streams = ledger.streams.iter().map(|removed| {
        json!({ "stream": removed.stream.to_string(), "last": removed.last, "removed": time(removed.unix_nano) })
    });
    let ledger = json!({
        "directory": place.journal.display().to_string(),
        "streams": streams.collect::<Vec<_>>(),
        "dropped": ledger.dropped,
        "damaged": ledger.damaged.len(),
    });
    Answer::json(&ledger, well)
}
