//! `auditrail journal fsck`.

use auditrail::journal::Problem;
use serde_json::{Value, json};

use super::location::Place;
use super::outcome::{Answer, Failure};
use super::progress::Progress;
use super::shown::{bytes, plain};

pub(super) fn run(place: &Place) -> Result<Answer, Failure> {
    let progress = Progress::of_bytes("reading");
    let (mut problems, mut read) = (Vec::new(), 0);
    let result = place.inspection.check(
        |problem| problems.push(problem),
        |done, of| {
            read = done;
            progress.at(done, of);
        },
    );
    progress.end();
    result.map_err(Failure::failed)?;
    let well = problems.is_empty();
    if place.json {
        let problems: Vec<_> = problems.iter().map(json_of).collect();
        let directory = place.journal.display().to_string();
        return Ok(Answer::json(&json!({ "directory": directory, "bytes": read, "problems": problems }), well));
    }
    let mut text: String = problems.iter().map(text_of).collect();
    let what = if well { "no problem".to_owned() } else { format!("{} problem(s)", problems.len()) };
    text += &format!("{what} in {}; {} read\n", plain(&place.journal.display().to_string()), bytes(read));
    Ok(Answer::new(text, well))
}

fn text_of(problem: &Problem) -> String {
    let mut text = format!("{}: {}", problem.kind.as_str(), plain(&problem.path.display().to_string()));
    if let Some(offset) = problem.offset {
        text += &format!(", offset {offset}");
    }
    match (problem.first, problem.last) {
        (Some(first), Some(last)) if first == last => text += &format!(", record {first}"),
        (Some(first), Some(last)) => text += &format!(", records {first} to {last}"),
        (Some(first), None) => text += &format!(", records from {first} on"),
        _ => {}
    }
    let (meaning, advice) = (problem.kind.meaning(), problem.kind.advice());
    text += &format!("\n  found  {}\n  means  {meaning}\n  do     {advice}\n\n", plain(&problem.found));
    text
}

fn json_of(problem: &Problem) -> Value {
    json!({
        "kind": problem.kind.as_str(),
        "path": problem.path.display().to_string(),
        "offset": problem.offset,
        "stream": problem.stream.map(|stream| stream.to_string()),
        "first": problem.first,
        "last": problem.last,
        "found": problem.found,
        "means": problem.kind.meaning(),
        "do": problem.kind.advice(),
    })
}
