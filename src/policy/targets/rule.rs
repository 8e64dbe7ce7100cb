//! One rule: what it is about, and what it says.

use super::pattern::{NamePattern, SegmentPattern, Template};

/// A rule of a [`TargetMap`](super::map::TargetMap): which calls it is about, and on what they act.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rule counts in a map"]
pub struct TargetRule {
    about: About,
    methods: Vec<String>,
    kind: Option<String>,
    id: Option<String>,
    actions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    Tool(String),
    Prompt(String),
    Resource(String),
    Route(String),
}

/// A rule that was checked.
#[derive(Debug, Clone)]
pub(super) struct CheckedRule {
    pub(super) about: CheckedAbout,
    pub(super) methods: Vec<String>,
    pub(super) kind: Option<String>,
    pub(super) id: Option<Template>,
    pub(super) actions: Vec<String>,
    /// The pattern as it was written.
    pub(super) pattern: String,
}

#[derive(Debug, Clone)]
pub(super) enum CheckedAbout {
    Tool(NamePattern),
    Prompt(NamePattern),
    Resource(SegmentPattern),
    Route(SegmentPattern),
}

impl TargetRule {
    /// Calls of a tool: its name, or the beginning of names and `*`.
    pub fn tool(name: impl Into<String>) -> Self {
        Self::about(About::Tool(name.into()))
    }

    /// Calls of a prompt: its name, or the beginning of names and `*`.
    pub fn prompt(name: impl Into<String>) -> Self {
        Self::about(About::Prompt(name.into()))
    }

    /// Reads of a resource: its URI, in which `{name}` stands for one segment and `{*name}`, at the end, for all that is left:
    /// `weather://cities/{city}`.
    pub fn resource(uri: impl Into<String>) -> Self {
        Self::about(About::Resource(uri.into()))
    }

    /// HTTP requests that are no MCP message: the path, with `{name}` and `{*name}` as in [`resource`](Self::resource):
    /// `/cities/{city}`. It is matched as it is, without decoding.
    pub fn route(path: impl Into<String>) -> Self {
        Self::about(About::Route(path.into()))
    }

    /// The HTTP methods of a route; without them, all.
    pub fn methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = methods.into_iter().map(Into::into).collect();
        self
    }

    /// `audit.target.type`.
    pub fn target_type(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// `audit.target.id`: a text, in which `{name}` is the value of a segment that the pattern names.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// `auditrail.target.actions`: the actions that must be allowed, such as `READ` or `tickets:update`.
    pub fn actions<A: Into<String>>(mut self, actions: impl IntoIterator<Item = A>) -> Self {
        self.actions = actions.into_iter().map(Into::into).collect();
        self
    }

    fn about(about: About) -> Self {
        Self { about, methods: Vec::new(), kind: None, id: None, actions: Vec::new() }
    }

    pub(super) fn checked(&self) -> Result<CheckedRule, &'static str> {
        let (about, pattern) = match &self.about {
            About::Tool(name) => (CheckedAbout::Tool(NamePattern::parse(name)?), name),
            About::Prompt(name) => (CheckedAbout::Prompt(NamePattern::parse(name)?), name),
            About::Resource(uri) if !uri.contains(':') => {
                return Err("a resource is a URI, such as `weather://cities/{city}`");
            }
            About::Resource(uri) => (CheckedAbout::Resource(SegmentPattern::parse(uri)?), uri),
            About::Route(path) if !path.starts_with('/') => return Err("a route begins with `/`"),
            About::Route(path) => (CheckedAbout::Route(SegmentPattern::parse(path)?), path),
        };
        let is_token =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if !self.methods.is_empty() && !matches!(about, CheckedAbout::Route(_)) {
            return Err("only a route has methods");
        }
        if !self.methods.iter().all(|method| is_token(method)) {
            return Err("a method is in upper case, such as `GET`");
        }
        if self.kind.is_none() && self.actions.is_empty() {
            return Err("it says nothing; give it a type, or actions, or both");
        }
        if self.id.is_some() && self.kind.is_none() {
            return Err("an id needs a type");
        }
        let is_printable = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.kind.iter().chain(&self.actions).all(|text| is_printable(text)) {
            return Err("types and actions are printable ASCII without spaces");
        }
        let id = self.id.as_deref().map(Template::parse).transpose()?;
        if !id.iter().flat_map(Template::names).all(|name| about.has(name)) {
            return Err("the id names a segment that the pattern does not have");
        }
        let Self { methods, kind, actions, .. } = self.clone();
        Ok(CheckedRule { about, methods, kind, id, actions, pattern: pattern.clone() })
    }
}

impl CheckedAbout {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::Tool(_) | Self::Prompt(_) => false,
            Self::Resource(pattern) | Self::Route(pattern) => pattern.has(name),
        }
    }
}

impl CheckedRule {
    /// Whether a later rule is never reached.
    pub(super) fn hides(&self, later: &Self) -> bool {
        let is_covered = match (&self.about, &later.about) {
            (CheckedAbout::Tool(own), CheckedAbout::Tool(other))
            | (CheckedAbout::Prompt(own), CheckedAbout::Prompt(other)) => own.covers(other),
            (CheckedAbout::Resource(own), CheckedAbout::Resource(other))
            | (CheckedAbout::Route(own), CheckedAbout::Route(other)) => own.covers(other),
            _ => false,
        };
        let has_all = !later.methods.is_empty() && later.methods.iter().all(|method| self.methods.contains(method));
        is_covered && (self.methods.is_empty() || has_all)
    }
}
