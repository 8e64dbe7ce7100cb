//! Tokens of known shape, by the rules of gitleaks, and credentials whose place is known.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::meta::Regex;

use super::boundaries::is_word;
use super::scan::Scan;
use super::{entropy, jwt};
use crate::policy::redaction::detector::Detector;
use crate::policy::redaction::limits::Exhausted;
use crate::policy::redaction::pattern;

/// The tokens in a run of a text, which begins at `start`.
pub(super) fn find(text: &[u8], start: usize, run: &[u8], scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    let (token, jwt) = (scan.on.has(Detector::Token), scan.on.has(Detector::Jwt));
    if !token && !jwt {
        return Ok(());
    }
    if token && is_credential(text.get(..start).unwrap_or_default()) {
        scan.add(Detector::Token, start, start + run.len());
    }
    scan.work.spend(run.len())?;
    let Some(keywords) = &TOKENS.keywords else { return Ok(()) };
    // Two words: one bit for each rule that was tried in this run.
    let mut tried = 0_u128;
    for keyword in keywords.find_overlapping_iter(run) {
        match TOKENS.owners.get(keyword.pattern().as_usize()).copied() {
            Some(JWT) if jwt => jwt::find(run, start, keyword.start(), scan)?,
            Some(owner) if token && owner != JWT && tried & 1 << owner == 0 => {
                tried |= 1 << owner;
                if let Some(rule) = TOKENS.rules.get(usize::from(owner)) {
                    by_rule(rule, run, start, scan)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn by_rule(rule: &Rule, run: &[u8], start: usize, scan: &mut Scan<'_>) -> Result<(), Exhausted> {
    scan.work.spend(run.len())?;
    let Some(regex) = rule.regex.get_or_init(|| pattern::compiled(rule.pattern).ok()) else { return Ok(()) };
    let mut from = 0;
    while let Some(found) = regex.find(regex_automata::Input::new(run).range(from..)) {
        let rest = run.get(found.end()..).unwrap_or_default();
        let end = found.end() + rest.iter().position(|byte| !is_of_token(*byte)).unwrap_or(rest.len());
        if entropy::bits(run.get(found.range()).unwrap_or_default()) >= rule.entropy {
            scan.add(Detector::Token, start + found.start(), start + end);
        }
        from = end.max(found.start() + 1);
        scan.work.spend(run.len().saturating_sub(from))?;
    }
    Ok(())
}

/// A token that goes on behind the pattern is hidden whole.
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'=')
}

/// Whether what follows that text is a credential: it ends in `Bearer ` or `Basic `.
fn is_credential(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    SCHEMES.iter().any(|scheme| {
        before.len().checked_sub(scheme.len()).is_some_and(|at| {
            let (rest, word) = before.split_at_checked(at).unwrap_or_default();
            word.eq_ignore_ascii_case(scheme) && !is_word(rest.last())
        })
    })
}

/// The rules that are compiled in. Each pattern is compiled when its keyword is first seen, once in a process.
static TOKENS: LazyLock<Tokens> = LazyLock::new(Tokens::read);

struct Tokens {
    rules: Vec<Rule>,
    keywords: Option<AhoCorasick>,
    /// The rule of each keyword.
    owners: Vec<u8>,
}

struct Rule {
    pattern: &'static str,
    entropy: f32,
    regex: OnceLock<Option<Regex>>,
}

impl Tokens {
    fn read() -> Self {
        let (mut rules, mut keywords, mut owners) = (Vec::new(), vec![jwt::KEYWORD], vec![JWT]);
        for line in lines() {
            let mut fields = line.splitn(4, '\t').skip(1);
            let (Some(words), Some(entropy), Some(pattern)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let Some(owner) = u8::try_from(rules.len()).ok().filter(|owner| *owner < JWT) else { break };
            words.split(',').for_each(|word| {
                keywords.push(word);
                owners.push(owner);
            });
            let entropy = entropy.parse().unwrap_or_default();
            rules.push(Rule { pattern, entropy, regex: OnceLock::new() });
        }
        let keywords = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(keywords);
        Self { rules, keywords: keywords.ok(), owners }
    }
}

fn lines() -> impl Iterator<Item = &'static str> {
    [GITLEAKS, OWN].into_iter().flat_map(str::lines).filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// The number of no rule: the keyword of JSON Web Tokens. Rules have the numbers below, so that they fit into 128 bits.
const JWT: u8 = 127;
const SCHEMES: [&[u8]; 2] = [b"bearer", b"basic"];
const GITLEAKS: &str = include_str!("gitleaks.tsv");
/// Rules of our own: a token that this project makes knows no gitleaks rule, and some shapes are newer than its rules.
const OWN: &str = "";

#[cfg(test)]
mod tests {
    use super::{TOKENS, lines};
    use crate::policy::redaction::pattern;

    #[test]
    fn every_rule_is_read_and_its_pattern_compiles() {
        assert_eq!(TOKENS.rules.len(), lines().count());
        assert!(TOKENS.rules.len() >= 109, "{}", TOKENS.rules.len());
        assert!(TOKENS.keywords.is_some());
        for rule in &TOKENS.rules {
            assert!(pattern::compiled(rule.pattern).is_ok(), "{}", rule.pattern);
        }
    }
}
