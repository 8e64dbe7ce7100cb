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
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compare.md"));
    let text = fs::read_to_string(&path).map_err(Error::io(format!("reading {}", path.display())))?;
    let wrong = |problem| Error::Document { path: path.clone(), problem };
    let part = render(results).map_err(|error| wrong(error.to_string()))?;
    let replaced = between_marks(&text, &part)
        .ok_or_else(|| wrong(format!("a line '{BEGIN}' and, below it, a line '{END}' are needed")))?;
    fs::write(&path, replaced).map_err(Error::io(format!("writing {}", path.display())))
}

/// The text with its part between the marks replaced; `None` if there are no marks.
pub(crate) fn between_marks(text: &str, part: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{part}{END}{after}"))
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
        let how = match emitter {
            Emitter::Auditrail => journal(results),
            _ => "",
        };
        write!(text, " {}{how} |", emitter.title())?;
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
    let disk = if journal(results) == ON_DISK { " --journal-on-disk" } else { "" };
    writeln!(text, "- Command: `cargo run --release --package auditrail-compare --{disk} --write`\n")
}

/// Of the rows of auditrail: two kinds do not stand in one column without being told apart.
fn journal(results: &Results) -> &'static str {
    let mut rows = results.rows.iter().filter(|row| row.emitter == Emitter::Auditrail).map(|row| row.journal_on_disk);
    let Some(first) = rows.next() else { return "" };
    match (rows.all(|other| other == first), first) {
        (false, _) => ", journal in memory or on disk",
        (true, true) => ON_DISK,
        (true, false) => IN_MEMORY,
    }
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

const BEGIN: &str = "<!-- delivery: written by auditrail-compare -->";
const END: &str = "<!-- /delivery -->";
const IN_MEMORY: &str = ", journal in memory";
const ON_DISK: &str = ", journal on disk";
