//! Cases: calls, and what is expected of a policy for each.

use std::path::Path;

use auditrail::policy::file::{HalvesName, LevelName, SampleText, Source};
use auditrail::policy::{Halves, Level, Policy, Treatment};
use serde::Deserialize;
use toml::Spanned;

use super::call;
use crate::cli::args::CallArguments;

/// A case, and where it stands.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) line: usize,
    settings: CaseSettings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Spanned<CaseSettings>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseSettings {
    name: Option<String>,
    call: CallArguments,
    expect: Expected,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expected {
    rule: Option<String>,
    level: Option<LevelName>,
    halves: Option<HalvesName>,
    class: Option<String>,
    sample: Option<SampleText>,
}

/// Reads a file.
///
/// # Errors
/// A text with the place of the first mistake, and what would be right.
pub(super) fn read(path: &Path) -> Result<Vec<Case>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {error}; name a readable file of cases", path.display()))?;
    let cases = match path.extension().is_some_and(|extension| extension == "jsonl") {
        true => of_json(path, &text)?,
        false => of_toml(path, &text)?,
    };
    for case in &cases {
        let problem = match call::read(&case.settings.call) {
            Err(problem) => problem,
            Ok(_) if case.settings.expect == Expected::default() => {
                "it expects nothing; write a rule, level, halves, class or sample into `expect`".into()
            }
            Ok(_) => continue,
        };
        return Err(format!("{}:{}: {problem}", path.display(), case.line));
    }
    if cases.is_empty() {
        return Err(format!("{}: there is no case in it, so it proves nothing; write a [[case]]", path.display()));
    }
    Ok(cases)
}

impl Case {
    /// What the policy decides otherwise than expected; empty if nothing.
    pub(super) fn differences(&self, policy: &Policy) -> Vec<String> {
        // It was checked when it was read.
        let Ok((facts, outcome)) = call::read(&self.settings.call) else { return Vec::new() };
        let Treatment { level, halves, class, sample, rule, .. } = policy.explain(&facts, outcome.as_ref()).treatment;
        let expected = &self.settings.expect;
        let class = class.map_or_else(|| "default".into(), |class| class.name);
        let sample = sample.map_or_else(|| "none".into(), |sample| sample.to_string());
        let line = rule.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        [
            expected
                .rule
                .as_ref()
                .filter(|name| **name != *rule.name)
                .map(|name| format!("rule {name} expected, and {}{line} decides", rule.name)),
            expected
                .level
                .map(Level::from)
                .filter(|wanted| *wanted != level)
                .map(|wanted| format!("level {} expected, and it is {}", wanted.as_str(), level.as_str())),
            expected
                .halves
                .map(Halves::from)
                .filter(|wanted| *wanted != halves)
                .map(|wanted| format!("halves {} expected, and they are {}", wanted.as_str(), halves.as_str())),
            expected
                .class
                .as_ref()
                .filter(|name| **name != *class)
                .map(|name| format!("class {name} expected, and it is {class}")),
            expected
                .sample
                .map(|wanted| wanted.0.to_string())
                .filter(|wanted| *wanted != sample)
                .map(|wanted| format!("sample {wanted} expected, and it is {sample}")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Its name, or what it is called by.
    pub(super) fn name(&self) -> &str {
        self.settings.name.as_deref().unwrap_or("case")
    }
}

fn of_toml(path: &Path, text: &str) -> Result<Vec<Case>, String> {
    let source = Source::new(path, text, &[KEYS]);
    let file: File = source.parse().map_err(|mistake| mistake.to_string())?;
    let case = |settings: Spanned<CaseSettings>| Case {
        line: source.line(settings.span().start),
        settings: settings.into_inner(),
    };
    Ok(file.case.into_iter().map(case).collect())
}

fn of_json(path: &Path, text: &str) -> Result<Vec<Case>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let line_number = at + 1;
            let settings = serde_json::from_str(line)
                .map_err(|error| format!("{}:{line_number}:{}: {error}", path.display(), error.column()))?;
            Ok(Case { line: line_number, settings })
        })
        .collect()
}

/// The keys of a case that have a value.
const KEYS: &[&str] = &["call", "expect", "name"];
