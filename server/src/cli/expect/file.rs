//! The file of expectations: the keys of `assert_audited!`, as TOML.

use std::path::Path;

use auditrail::record::{Detail, EventName, Status, Value};
use auditrail::testing::Expectation;
use serde::Deserialize;
use toml::{Spanned, Table};

/// An expectation, and where it stands.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) line: usize,
    pub(super) expectation: Expectation,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    expect: Vec<Spanned<Table>>,
}

/// Reads a file.
///
/// # Errors
/// A text with the place of the first mistake, and what would be right.
pub(super) fn read(path: &Path) -> Result<Vec<Expected>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {error}; name a readable file of expectations", path.display()))?;
    parse(&text).map_err(|(line, problem)| format!("{}:{line}: {problem}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Expected>, (usize, String)> {
    let line_of = |start: usize| text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        (line_of(start), error.message().replace('\n', "; "))
    })?;
    let expected = |table: Spanned<Table>| {
        let line = line_of(table.span().start);
        let expectation = expectation(table.into_inner()).map_err(|problem| (line, problem))?;
        Ok(Expected { line, expectation })
    };
    file.expect.into_iter().map(expected).collect()
}

fn expectation(table: Table) -> Result<Expectation, String> {
    table.into_iter().try_fold(Expectation::any(), |expectation, (key, value)| {
        if key == "count" {
            let count = value.as_integer().and_then(|count| usize::try_from(count).ok());
            return Ok(expectation.count(count.ok_or("`count` is a number from 0 on")?));
        }
        let value = checked(&key, recorded(&key, value)?)?;
        match expectation.clone().with_key(&key, value.clone()) {
            Some(expectation) => Ok(expectation),
            None if key.contains('.') => Ok(expectation.attribute(key, value)),
            None => Err(format!("`{key}` is no key of an expectation; the keys are {}", keys())),
        }
    })
}

fn keys() -> String {
    let keys: Vec<_> = Expectation::KEYS.iter().map(|(key, _)| *key).collect();
    format!("{}, count, and the name of any attribute in quotes, such as \"auditrail.tenant.id\"", keys.join(", "))
}

/// A value as a record has it.
fn recorded(key: &str, value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::Int(number),
        toml::Value::Float(number) => Value::Double(number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| recorded(key, item)).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(_) => return Err(format!("`{key}` is a table; write names of attributes in quotes")),
        toml::Value::Datetime(_) => return Err(format!("`{key}` is a time; records have none: write a text")),
    })
}

/// A misspelt word would never be found, or never be missed.
fn checked(key: &str, value: Value) -> Result<Value, String> {
    let text = value.as_str().unwrap_or_default();
    let is_right = match key {
        "outcome" => text.parse::<Status>().is_ok(),
        "detail" => text.parse::<Detail>().is_ok(),
        "event" => text.parse::<EventName>().is_ok(),
        "decision" => ["allow", "deny", "escalate"].contains(&text),
        "phase" => ["request", "response"].contains(&text),
        "verified" => matches!(value, Value::Bool(_)),
        _ => true,
    };
    if is_right { Ok(value) } else { Err(format!("`{key}` has a value that no record has; docs/record.md lists them")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_the_macro_are_understood() {
        let text = "[[expect]]\ntool = \"add\"\noutcome = \"failure\"\nverified = true\n\"auditrail.tenant.id\" = \"acme\"\n\n\
                    [[expect]]\n\"user.roles\" = [\"a\", \"b\"]\n\"http.response.status_code\" = 403\ncount = 0\n";
        let [first, second] = &parse(text).unwrap()[..] else { panic!("two") };
        assert_eq!((first.line, second.line), (1, 7));
        let tool = Expectation::any().tool("add").outcome(Status::Failure).verified(true);
        let expected = [
            tool.attribute("auditrail.tenant.id", "acme"),
            Expectation::any().attribute("user.roles", ["a", "b"]).attribute("http.response.status_code", 403).count(0),
        ];
        for (read, expected) in [first, second].into_iter().zip(expected) {
            let sorted = |expectation: &Expectation| {
                let mut keys: Vec<_> = expectation.to_string().split(", ").map(str::to_owned).collect();
                keys.sort_unstable();
                keys
            };
            assert_eq!(sorted(&read.expectation), sorted(&expected));
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, expected) in [
            ("[[expect]]\ntol = \"add\"", "1: `tol` is no key of an expectation; the keys are tool, prompt, "),
            ("\n[[expect]]\noutcome = \"failed\"", "2: `outcome` has a value that no record has"),
            ("[[expect]]\nevent = \"tools.call\"", "1: `event` has a value that no record has"),
            ("[[expect]]\nverified = \"yes\"", "1: `verified` has a value that no record has"),
            ("[[expect]]\ncount = -1", "1: `count` is a number from 0 on"),
            ("[[expect]]\na.b = 1", "1: `a` is a table; write names of attributes in quotes"),
            ("[[expct]]\ntool = \"a\"", "1: unknown field `expct`, expected `expect`"),
            ("[[expect]]\ntool = ", "2: "),
        ] {
            let (line, problem) = parse(text).unwrap_err();
            let said = format!("{line}: {problem}");
            assert!(said.starts_with(expected), "{text:?}\n  gives {said}\n  not   {expected}");
        }
    }
}
