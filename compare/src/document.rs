//! `docs/compare.md`: the part between the marks is made of the results.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::emitters::Emitter;
use crate::error::Error;
use crate::results::{Results, Row};
use crate::scenarios::Scenario;

/// Writes the tables into the document.
pub(crate) fn write(results: &Results) -> Result<(), Error> {
    let part = render(results).map_err(|error| Error::Document { path: path(), problem: error.to_string() })?;
    put(DELIVERY, &part)
}

/// Writes the kill matrix into the document.
pub(crate) fn write_kill_matrix(table: &str) -> Result<(), Error> {
    let machine = "Command: `cargo run --release --package auditrail-compare -- --kill-matrix --write`, or";
    put(KILL_MATRIX, &format!("\n{table}\n{machine} `tests/kill-matrix` ({}).\n\n", crate::machine::today()))
}

fn put(marks: Marks, part: &str) -> Result<(), Error> {
    let path = path();
    let text = fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
    let replaced = between_marks(&text, marks, part).ok_or_else(|| Error::Document {
        path: path.clone(),
        problem: format!("a line '{}' and, below it, a line '{}' are needed", marks.begin, marks.end),
    })?;
    fs::write(&path, replaced).map_err(Error::io(format!("writing {}", path.display())))
}

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compare.md"))
}

/// The lines around a part that is written by a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    begin: &'static str,
    end: &'static str,
}

/// The text with its part between the marks replaced; `None` if there are no marks.
pub(crate) fn between_marks(text: &str, Marks { begin, end }: Marks, part: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{part}{end}{after}"))
}

/// "19 873 of 200 000 (9.9 %)". Only what is all is 100 %.
pub(crate) fn share(arrived: u64, emitted: u64) -> String {
    let percent = match (arrived * 1000).checked_div(emitted) {
        None => return "nothing emitted".to_owned(),
        Some(_) if arrived == emitted => "100 %".to_owned(),
        Some(tenths) => format!("{}.{} %", tenths / 10, tenths % 10),
    };
    format!("{} of {} ({percent})", grouped(arrived), grouped(emitted))
}

fn render(results: &Results) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    shares(&mut text, results)?;
    details(&mut text, results)?;
    circumstances(&mut text, results)?;
    Ok(text)
}

fn shares(text: &mut String, results: &Results) -> std::fmt::Result {
    write!(text, "\n| arrived of emitted |")?;
    for emitter in Emitter::ALL {
        write!(text, " {} |", emitter.title())?;
    }
    writeln!(text, "\n|---|{}", "--:|".repeat(Emitter::ALL.len()))?;
    for scenario in Scenario::ALL {
        write!(text, "| {} |", scenario.title())?;
        for emitter in Emitter::ALL {
            let cell = results.get(scenario, emitter).map(|row| share(row.arrived, row.emitted));
            write!(text, " {} |", cell.as_deref().unwrap_or("not measured"))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn details(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(
        text,
        "\n| scenario | emitter | missing | twice | not acknowledged, yet there | what it said at its end |"
    )?;
    writeln!(text, "|---|---|--:|--:|--:|---|")?;
    for Row { scenario, emitter, emitted, arrived, duplicates, unacknowledged, said, .. } in &results.rows {
        let missing = grouped(emitted.saturating_sub(*arrived));
        let (twice, beyond) = (grouped(*duplicates), grouped(*unacknowledged));
        let said = said.replace('|', "\\|");
        writeln!(text, "| `{}` | `{}` | {missing} | {twice} | {beyond} | {said} |", scenario.name(), emitter.name())?;
    }
    Ok(())
}

fn circumstances(text: &mut String, results: &Results) -> std::fmt::Result {
    let machine = &results.machine;
    let mut dates: Vec<_> = results.rows.iter().map(|row| row.date.as_str()).collect();
    dates.sort_unstable();
    dates.dedup();
    writeln!(text)?;
    writeln!(
        text,
        "- Measured: {}, on a machine that did other work, too (load {}).",
        dates.join(", "),
        loads(results)
    )?;
    writeln!(
        text,
        "- Machine: {}, {} cores, {}; Linux {}.",
        machine.processor, machine.cores, machine.memory, machine.kernel
    )?;
    writeln!(text, "- Versions: {}, {}; {}.", machine.rustc, machine.collector, machine.peers)?;
    writeln!(text, "- Command: `cargo run --release --package auditrail-compare -- --write`\n")
}

fn loads(results: &Results) -> String {
    let loads = || results.rows.iter().filter_map(|row| row.load.parse::<f64>().ok());
    let (least, most) = (loads().fold(f64::INFINITY, f64::min), loads().fold(0.0, f64::max));
    format!("{least:.1} to {most:.1}")
}

/// 200000 as "200 000".
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

pub(crate) const DELIVERY: Marks =
    Marks { begin: "<!-- delivery: written by auditrail-compare -->", end: "<!-- /delivery -->" };
const KILL_MATRIX: Marks = Marks { begin: "<!-- kill-matrix -->", end: "<!-- /kill-matrix -->" };
