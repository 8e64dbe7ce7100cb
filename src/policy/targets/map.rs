//! The list of rules.

use super::error::TargetError;
use super::rule::{CheckedAbout, CheckedRule, TargetRule};

/// From tools, prompts, resources and routes to what is acted on and which actions must be allowed. The first rule that matches
/// counts. Values come from segments of paths and URIs that a pattern names, never from queries, bodies or arguments.
///
/// ```
/// use auditrail::policy::{TargetMap, TargetRule};
///
/// let targets = TargetMap::new([
///     TargetRule::tool("close_ticket").target_type("ticket").actions(["tickets:update"]),
///     TargetRule::resource("weather://cities/{city}").target_type("city").id("{city}").actions(["READ"]),
///     TargetRule::route("/cities/{city}").methods(["GET"]).target_type("city").id("{city}").actions(["READ"]),
/// ])?;
/// # Ok::<(), auditrail::policy::TargetError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TargetMap {
    rules: Vec<CheckedRule>,
}

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TargetSubject<'a> {
    Tool(&'a str),
    Prompt(&'a str),
    Resource(&'a str),
    Route { method: &'a str, path: &'a str },
}

/// What a rule says of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappedTarget {
    pub(crate) kind: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) actions: Vec<String>,
    /// The pattern of a route.
    pub(crate) route: Option<String>,
}

impl TargetMap {
    /// Checks the rules.
    ///
    /// # Errors
    /// The first mistake: a pattern that is none, an id that names no segment, a rule that says nothing or is never reached.
    pub fn new(rules: impl IntoIterator<Item = TargetRule>) -> Result<Self, TargetError> {
        let mut checked = Vec::<CheckedRule>::new();
        for (index, rule) in rules.into_iter().enumerate() {
            let mistake = |problem| TargetError { rule: index + 1, problem };
            let rule = rule.checked().map_err(mistake)?;
            if checked.iter().any(|earlier| earlier.hides(&rule)) {
                return Err(mistake("an earlier rule matches everything that it matches; put it in front"));
            }
            checked.push(rule);
        }
        Ok(Self { rules: checked })
    }

    /// Whether all of these actions are reads: at least one, and the word behind the last `:` of each is `READ` or `LIST`, in
    /// upper or lower case. Actions that are not known are none.
    pub fn is_read<A: AsRef<str>>(actions: &[A]) -> bool {
        let reads = |action: &str| {
            let verb = action.rsplit(':').next().unwrap_or_default();
            READS.iter().any(|read| verb.eq_ignore_ascii_case(read))
        };
        !actions.is_empty() && actions.iter().all(|action| reads(action.as_ref()))
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the first rule that matches says.
    pub(crate) fn find(&self, subject: TargetSubject<'_>) -> Option<MappedTarget> {
        self.rules.iter().find_map(|rule| rule.apply(subject))
    }
}

impl CheckedRule {
    fn apply(&self, subject: TargetSubject<'_>) -> Option<MappedTarget> {
        let values = match (&self.about, subject) {
            (CheckedAbout::Tool(pattern), TargetSubject::Tool(name))
            | (CheckedAbout::Prompt(pattern), TargetSubject::Prompt(name)) => pattern.fits(name).then(Vec::new),
            (CheckedAbout::Resource(pattern), TargetSubject::Resource(uri)) => pattern.values(uri),
            (CheckedAbout::Route(pattern), TargetSubject::Route { method, path }) => {
                let is_of = self.methods.is_empty() || self.methods.iter().any(|known| known == method);
                if is_of { pattern.values(path) } else { None }
            }
            _ => None,
        }?;
        Some(MappedTarget {
            kind: self.kind.clone(),
            id: self.id.as_ref().map(|id| id.filled(&values)),
            actions: self.actions.clone(),
            route: matches!(self.about, CheckedAbout::Route(_)).then(|| self.pattern.clone()),
        })
    }
}

const READS: [&str; 2] = ["READ", "LIST"];
