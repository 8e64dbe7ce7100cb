//! One pass over a content: what it asks the rules, what it spends, and what it touched.

use super::action::Action;
use super::compiled::{Compiled, Rule};
use super::context::Context;
use super::detect::{self, Detectors, Finding, Kind, Scan};
use super::detector::Detector;
use super::limits::{Exhausted, Work};
use super::path::Step;
use super::protect::Protect;
use super::redacted::Unread;

/// What every part of a pass shares.
pub(super) struct Pass<'p> {
    pub(super) compiled: &'p Compiled,
    pub(super) context: &'p Context<'p>,
    protect: &'p dyn Protect,
    detectors: Detectors,
    detector_rules: [usize; Detector::ALL.len()],
    work: Work,
    values: usize,
    pub(super) steps: Vec<Step>,
    findings: Vec<Finding>,
    pub(super) touched: Vec<String>,
}

/// What becomes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Dropped,
    /// That text stands in its place.
    Replaced(Vec<u8>),
}

impl<'p> Pass<'p> {
    pub(super) fn new(compiled: &'p Compiled, context: &'p Context<'p>, protect: &'p dyn Protect) -> Self {
        let (detectors, detector_rules) = compiled.rules.detectors(context);
        Self {
            compiled,
            context,
            protect,
            detectors,
            detector_rules,
            work: Work::of(compiled.limits.work),
            values: compiled.limits.values,
            steps: Vec::new(),
            findings: Vec::new(),
            touched: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn count_value(&mut self) -> Result<(), Unread> {
        self.values = self.values.checked_sub(1).ok_or(Unread::TooManyValues)?;
        Ok(())
    }

    /// What a text is without what detectors and patterns find in it.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<Fate, Unread> {
        self.find(text, self.detectors)?;
        if self.findings.is_empty() {
            return Ok(Fate::Stays);
        }
        self.note();
        Ok(self.replaced(text))
    }

    /// Whether something is found in a key. Then it must not be told.
    pub(super) fn is_secret_key(&mut self, key: &[u8]) -> Result<bool, Unread> {
        self.find(key, self.detectors)?;
        Ok(!self.findings.is_empty())
    }

    /// What a number is: it can be that of a card.
    pub(super) fn number(&mut self, number: &[u8]) -> Result<Fate, Unread> {
        if !self.detectors.has(Detector::Card) {
            return Ok(Fate::Stays);
        }
        self.find(number, Detectors::default().with(Detector::Card))?;
        if self.findings.is_empty() {
            return Ok(Fate::Stays);
        }
        self.note();
        Ok(self.replaced(number))
    }

    /// What a value is by a rule for the whole of it.
    pub(super) fn whole(&mut self, rule: usize, value: &[u8]) -> Fate {
        let Some(rule) = self.compiled.rules.rule(rule) else { return Fate::Replaced(mask(None)) };
        if rule.action == Action::Keep {
            return Fate::Stays;
        }
        self.note();
        match rule.action {
            Action::Drop => Fate::Dropped,
            _ => Fate::Replaced(self.made_unreadable(rule, None, value)),
        }
    }

    /// Notes that the value at the present place was touched.
    pub(super) fn note(&mut self) {
        let mut path = String::from("$");
        for step in &self.steps {
            match step {
                Step::Index => path.push_str("[*]"),
                Step::Name(None) => path.push_str(".*"),
                Step::Name(Some(name)) => shown(self.compiled.rules.names.text(*name), &mut path),
            }
        }
        if !self.touched.contains(&path) {
            match self.touched.len() {
                ..MOST_PATHS => self.touched.push(path),
                MOST_PATHS => self.touched.push(MORE_PATHS.to_owned()),
                _ => {}
            }
        }
    }

    /// The findings in a text, in order, none within another.
    fn find(&mut self, text: &[u8], on: Detectors) -> Result<(), Unread> {
        self.findings.clear();
        let too_much = |_: Exhausted| Unread::TooMuchWork;
        if !on.is_empty() {
            detect::text(
                &mut Scan {
                    on,
                    work: &mut self.work,
                    found: &mut self.findings,
                    look: detect::text,
                    is_decoded: false,
                },
                text,
            )
            .map_err(too_much)?;
        }
        for (pattern, number) in &self.compiled.rules.patterns {
            let is_on = self.compiled.rules.rule(*number).is_some_and(|rule| rule.applies(self.context));
            let mut from = 0;
            while is_on && from <= text.len() {
                self.work.spend(text.len() - from).map_err(too_much)?;
                let Some(found) = pattern.find(regex_automata::Input::new(text).range(from..)) else { break };
                self.findings.push(Finding { start: found.start(), end: found.end(), kind: Kind::Pattern(*number) });
                from = found.end().max(found.start() + 1);
            }
        }
        if !self.findings.is_empty() {
            self.merge();
        }
        Ok(())
    }

    /// Of findings that overlap, one is left: all that they have, by the rule that is first.
    fn merge(&mut self) {
        let mut findings = std::mem::take(&mut self.findings);
        findings.sort_by_key(|finding| (finding.start, self.rule_of(finding.kind)));
        for finding in findings {
            let rule = self.rule_of(finding.kind);
            match self.findings.last_mut().filter(|last| finding.start < last.end) {
                Some(last) => {
                    let before = match last.kind {
                        Kind::Detector(detector) => {
                            self.detector_rules.get(detector as usize).copied().unwrap_or_default()
                        }
                        Kind::Pattern(number) => number,
                    };
                    last.end = last.end.max(finding.end);
                    last.kind = if rule < before { finding.kind } else { last.kind };
                }
                None => self.findings.push(finding),
            }
        }
    }

    /// A text with the findings replaced.
    fn replaced(&self, text: &[u8]) -> Fate {
        let (mut out, mut copied) = (Vec::with_capacity(text.len()), 0);
        for finding in &self.findings {
            let value = text.get(finding.start..finding.end).unwrap_or_default();
            let detector = match finding.kind {
                Kind::Detector(detector) => Some(detector),
                Kind::Pattern(_) => None,
            };
            let rule = self.compiled.rules.rule(self.rule_of(finding.kind));
            let new = match rule {
                Some(rule) if rule.action == Action::Drop => return Fate::Dropped,
                Some(rule) if rule.action == Action::Keep => value.to_vec(),
                Some(rule) => self.made_unreadable(rule, detector, value),
                None => mask(detector),
            };
            out.extend_from_slice(text.get(copied..finding.start).unwrap_or_default());
            out.extend_from_slice(&new);
            copied = finding.end;
        }
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
        Fate::Replaced(out)
    }

    fn made_unreadable(&self, rule: &Rule, detector: Option<Detector>, value: &[u8]) -> Vec<u8> {
        let (class, context) = (rule.class.as_str(), self.context);
        let new = match rule.action {
            Action::Hash => Some(self.protect.hash(class, value)),
            Action::Pseudonymise => self.protect.pseudonym(class, context.tenant, value),
            Action::Encrypt => context.subject.and_then(|subject| self.protect.encrypt(subject, context.field, value)),
            Action::Drop | Action::Mask | Action::Keep => None,
        };
        new.map_or_else(|| mask(detector), String::into_bytes)
    }

    fn rule_of(&self, kind: Kind) -> usize {
        match kind {
            Kind::Detector(detector) => self.detector_rules.get(detector as usize).copied().unwrap_or_default(),
            Kind::Pattern(number) => number,
        }
    }
}

/// What stands in the place of a value that nobody may read.
pub(super) fn mask(detector: Option<Detector>) -> Vec<u8> {
    detector.map_or_else(|| b"[redacted]".to_vec(), |detector| format!("[redacted:{detector}]").into_bytes())
}

fn shown(name: &str, path: &mut String) {
    let is_plain = !name.contains(['.', '[', ']', '\'', '"', ' ']) && !name.is_empty();
    match is_plain {
        true => path.extend([".", name]),
        false => path.extend(["['", name, "']"]),
    }
}

/// More of them tell nobody more.
const MOST_PATHS: usize = 64;
/// Stands behind the paths if there are more.
const MORE_PATHS: &str = "$..*";
