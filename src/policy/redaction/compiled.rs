//! The rules as they are asked: by the name of a member first, so that a thousand rules cost what ten do.

use std::collections::HashMap;

use regex_automata::meta::Regex;

use super::action::Action;
use super::context::Context;
use super::detect::Detectors;
use super::detector::Detector;
use super::error::{RedactionError, one_of};
use super::limits::RedactionLimits;
use super::names::{NameId, Names, Shapes};
use super::path::{Path, Step};
use super::pattern;
use super::rule::{RedactionRule, What};

#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) rules: Rules,
    pub(super) limits: RedactionLimits,
}

/// Rules in their order, and the ways to find the right one.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) names: Names,
    rules: Vec<Rule>,
    paths: Vec<(Path, usize)>,
    paths_by_name: HashMap<NameId, Vec<usize>>,
    /// Those that end in `*`, and `$`.
    other_paths: Vec<usize>,
    /// Keys in lower case.
    keys: HashMap<Box<[u8]>, Vec<usize>>,
    key_shapes: Shapes,
    affixes: Vec<(Affix, usize)>,
    pub(super) patterns: Vec<(Regex, usize)>,
    detectors: Vec<(Detector, usize)>,
}

/// What a rule does, and where.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) action: Action,
    /// What separates hashes and pseudonyms.
    pub(super) class: String,
    /// How a key that the rule matches is told in a path.
    pub(super) shown: Option<NameId>,
    source: RedactionRule,
    /// Whether it is there since no other rule is for its detector.
    is_default: bool,
}

#[derive(Debug)]
enum Affix {
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
}

impl Rules {
    pub(super) fn add(&mut self, source: RedactionRule) -> Result<(), RedactionError> {
        check(&source)?;
        self.refuse_hidden(&source)?;
        let number = self.rules.len();
        let mut shown = None;
        let class = match &source.what {
            What::Path(text) => {
                let path = Path::parse(text, &mut self.names)?;
                self.add_path(path, number);
                text.clone()
            }
            What::Key(key) => {
                shown = Some(self.names.add(key));
                self.add_key(key, number)?;
                key.to_ascii_lowercase()
            }
            What::Pattern(text) => {
                self.patterns.push((pattern::compiled(text)?, number));
                "pattern".to_owned()
            }
            What::Detector(detector) => {
                self.detectors.push((*detector, number));
                detector.to_string()
            }
        };
        let class = source.class.clone().unwrap_or(class);
        self.rules.push(Rule { action: source.action, class, shown, source, is_default: false });
        Ok(())
    }

    /// Adds a rule for a detector behind all others, which none of them makes superfluous.
    pub(super) fn add_default(&mut self, source: RedactionRule) {
        if let What::Detector(detector) = source.what {
            self.detectors.push((detector, self.rules.len()));
            self.rules.push(Rule {
                action: source.action,
                class: detector.to_string(),
                shown: None,
                source,
                is_default: true,
            });
        }
    }

    /// The rules that were added, as tables of a policy file.
    pub(super) fn tables(&self) -> Vec<Vec<(&'static str, String)>> {
        let mut tables = Vec::new();
        for rule in self.rules.iter().filter(|rule| !rule.is_default) {
            let source = &rule.source;
            let mut table = vec![(source.what.name(), source.what.text()), ("action", source.action.to_string())];
            for (key, value) in [("in", &source.field), ("tool", &source.tool), ("class", &source.class)] {
                table.extend(value.clone().map(|value| (key, value)));
            }
            tables.push(table);
        }
        tables
    }

    pub(super) fn rule(&self, number: usize) -> Option<&Rule> {
        self.rules.get(number)
    }

    /// The first rule for the whole content (without a step), or for an element of an array.
    pub(super) fn of_nameless(&self, steps: &[Step], context: &Context<'_>) -> Option<usize> {
        self.other_paths.iter().filter_map(|path| self.by_path(*path, steps, context)).min()
    }

    /// The first rule for a member, whose name is the last of the steps.
    pub(super) fn of_member(&self, key: &[u8], steps: &[Step], context: &Context<'_>) -> Option<usize> {
        let by_name = match steps.last() {
            Some(Step::Name(Some(name))) => self.paths_by_name.get(name),
            _ => None,
        };
        let by_path = by_name.into_iter().flatten().filter_map(|path| self.by_path(*path, steps, context)).min();
        [by_path, self.of_nameless(steps, context), self.by_key(key, context)].into_iter().flatten().min()
    }

    /// Which detectors look at content of that context, and by which rules.
    pub(super) fn detectors(&self, context: &Context<'_>) -> (Detectors, [usize; Detector::ALL.len()]) {
        let (mut on, mut rules) = (Detectors::default(), [usize::MAX; Detector::ALL.len()]);
        for (detector, number) in &self.detectors {
            let (Some(rule), Some(place)) = (self.rules.get(*number), rules.get_mut(*detector as usize)) else {
                continue;
            };
            if *place == usize::MAX && rule.applies(context) {
                *place = *number;
                on = if rule.action == Action::Keep { on } else { on.with(*detector) };
            }
        }
        (on, rules)
    }

    fn by_path(&self, path: usize, steps: &[Step], context: &Context<'_>) -> Option<usize> {
        let (path, number) = self.paths.get(path)?;
        (path.matches(steps) && self.applies(*number, context)).then_some(*number)
    }

    fn by_key(&self, key: &[u8], context: &Context<'_>) -> Option<usize> {
        let exact = if self.key_shapes.may_have(key) { self.keys_of(key) } else { &[] };
        let others = self.affixes.iter().filter(|(affix, _)| affix.fits(key)).map(|(_, number)| *number);
        exact.iter().copied().chain(others).filter(|number| self.applies(*number, context)).min()
    }

    #[cold]
    fn keys_of(&self, key: &[u8]) -> &[usize] {
        self.keys.get(&*key.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    fn applies(&self, number: usize, context: &Context<'_>) -> bool {
        self.rules.get(number).is_some_and(|rule| rule.applies(context))
    }

    fn add_path(&mut self, path: Path, number: usize) {
        let index = self.paths.len();
        match path.last() {
            Some(name) => self.paths_by_name.entry(name).or_default().push(index),
            None => self.other_paths.push(index),
        }
        self.paths.push((path, number));
    }

    fn add_key(&mut self, key: &str, number: usize) -> Result<(), RedactionError> {
        let lower = key.to_ascii_lowercase();
        let mistake = |at, problem: &str| Err(RedactionError::new("key", at, problem));
        let stars = lower.matches('*').count();
        match (lower.strip_suffix('*'), lower.strip_prefix('*')) {
            _ if lower.len() > LONGEST_KEY => return mistake(Some(LONGEST_KEY), "a key has at most 128 bytes"),
            _ if lower.trim_matches('*').is_empty() => {
                return mistake(None, "it matches every key; name one, as in `password`");
            }
            _ if stars > 1 => return mistake(lower.rfind('*'), "one `*` is possible, at the beginning or at the end"),
            (Some(prefix), _) => self.affixes.push((Affix::Prefix(prefix.as_bytes().into()), number)),
            (_, Some(suffix)) => self.affixes.push((Affix::Suffix(suffix.as_bytes().into()), number)),
            _ if stars > 0 => return mistake(lower.find('*'), "a `*` stands at the beginning or at the end"),
            _ => {
                self.key_shapes.add(lower.as_bytes());
                self.keys.entry(lower.into_bytes().into()).or_default().push(number);
            }
        }
        Ok(())
    }

    /// A rule behind one that matches all that it matches would never decide.
    fn refuse_hidden(&self, new: &RedactionRule) -> Result<(), RedactionError> {
        let hides = |old: &RedactionRule| old.is_as_wide_as(new) && old.what.covers(&new.what);
        match self.rules.iter().position(|rule| hides(&rule.source)) {
            Some(number) => {
                let problem = format!(
                    "it never decides: rule {} before it matches all that it matches; remove one of them",
                    number + 1
                );
                Err(RedactionError::new(new.what.name(), None, problem))
            }
            None => Ok(()),
        }
    }
}

impl Rule {
    pub(super) fn applies(&self, context: &Context<'_>) -> bool {
        let is_tool = |tool: &String| context.tool.is_some_and(|name| fits(tool, name));
        self.source.field.as_deref().is_none_or(|field| field == context.field)
            && self.source.tool.as_ref().is_none_or(is_tool)
    }
}

impl RedactionRule {
    /// Whether it applies wherever the other does.
    fn is_as_wide_as(&self, other: &Self) -> bool {
        let tools = |mine: &String| other.tool.as_ref().is_some_and(|tool| fits(mine, tool));
        (self.field.is_none() || self.field == other.field) && self.tool.as_ref().is_none_or(tools)
    }
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Path(_) => "path",
            Self::Key(_) => "key",
            Self::Pattern(_) => "pattern",
            Self::Detector(_) => "detector",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Path(text) | Self::Key(text) | Self::Pattern(text) => text.clone(),
            Self::Detector(detector) => detector.to_string(),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key(mine), Self::Key(other)) => {
                let (mine, other) = (mine.to_ascii_lowercase(), other.to_ascii_lowercase());
                let by_suffix = mine.strip_prefix('*').is_some_and(|suffix| other.ends_with(suffix));
                mine == other || by_suffix || mine.ends_with('*') && fits(&mine, &other)
            }
            (mine, other) => mine == other,
        }
    }
}

impl Affix {
    fn fits(&self, key: &[u8]) -> bool {
        match self {
            Self::Prefix(prefix) => key.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)),
            Self::Suffix(suffix) => {
                let tail = key.len().checked_sub(suffix.len()).and_then(|at| key.get(at..));
                tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
            }
        }
    }
}

fn check(rule: &RedactionRule) -> Result<(), RedactionError> {
    if let Some(field) = rule.field.as_ref().filter(|field| !FIELDS.contains(&field.as_str())) {
        return Err(one_of("in", field, &FIELDS, |name| name)
            .err()
            .unwrap_or_else(|| RedactionError::new("in", None, "write `arguments` or `result`")));
    }
    if let Some(at) = rule.tool.as_ref().and_then(|tool| tool.strip_suffix('*').unwrap_or(tool).find('*')) {
        return Err(RedactionError::new("tool", Some(at), "a `*` stands at the end"));
    }
    if rule.class.as_ref().is_some_and(String::is_empty) {
        return Err(RedactionError::new("class", None, "it is empty; name what the values are, as in `customer`"));
    }
    Ok(())
}

/// Exact, or a beginning and `*`.
fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

const FIELDS: [&str; 2] = ["arguments", "result"];
/// Of a key in a rule.
const LONGEST_KEY: usize = 128;
