//! Regular expressions that take linear time and bounded memory, whatever they are and whatever they are used on.

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;

use super::error::RedactionError;

/// The pattern, compiled. It is one of bytes: classes like `\w` are those of ASCII.
pub(super) fn compiled(pattern: &str) -> Result<Regex, RedactionError> {
    if pattern.len() > LONGEST {
        let problem = format!("it has {} bytes; write one of at most {LONGEST}", pattern.len());
        return Err(RedactionError::new("pattern", None, problem));
    }
    let config = Config::new()
        .utf8_empty(false)
        .nfa_size_limit(Some(NFA_BYTES))
        .hybrid_cache_capacity(CACHE_BYTES)
        .onepass(false)
        .dfa(false);
    let regex = Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false).nest_limit(NESTED))
        .configure(config)
        .build(pattern)
        .map_err(|error| mistake(&error))?;
    if regex.is_match("") {
        return Err(RedactionError::new("pattern", None, "it matches the empty text, so it would match everywhere"));
    }
    Ok(regex)
}

/// The parser's own message has the pattern, a line with marks below it, and the reason.
fn mistake(error: &BuildError) -> RedactionError {
    if error.size_limit().is_some() {
        let problem = format!("it needs more than {NFA_BYTES} bytes when it is compiled; write smaller repetitions");
        return RedactionError::new("pattern", None, problem);
    }
    let text = error.syntax_error().map(ToString::to_string).unwrap_or_else(|| error.to_string());
    let marks = text.lines().find(|line| line.contains('^') && line.trim().bytes().all(|byte| byte == b'^'));
    let at = marks.and_then(|line| line.find('^')).and_then(|column| column.checked_sub(INDENT));
    let reason = text.lines().last().unwrap_or_default();
    RedactionError::new("pattern", at, reason.strip_prefix("error: ").unwrap_or(reason))
}

/// Of a pattern as it is written. The longest of gitleaks has about a thousand.
const LONGEST: usize = 4096;
/// Of the compiled automaton.
const NFA_BYTES: usize = 1 << 20;
/// Of the states that are computed while it runs, per thread.
const CACHE_BYTES: usize = 64 << 10;
const NESTED: u32 = 50;
/// Before the pattern, in the parser's message.
const INDENT: usize = 4;
