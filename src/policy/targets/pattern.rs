//! Patterns of names, of paths and of URIs.
//!
//! Invariants:
//! 1. A value is taken only from a segment that the pattern names. Queries and fragments are not part of what is matched.
//! 2. Segments are compared as they are, without decoding: what another reader takes for the same path may have no target, and
//!    never gets the target of another.

/// A pattern of tools and prompts: a name, or the beginning of one and `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamePattern {
    text: String,
    is_prefix: bool,
}

/// A pattern of paths and URIs, by segments between slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentPattern(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `{name}`: one segment that is not empty.
    Named(String),
    /// `{*name}`, at the end: all that is left, at least one byte.
    Rest(String),
}

/// The id of a target: text with names of segments in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Named(String),
}

impl NamePattern {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (text, is_prefix) = text.strip_suffix('*').map_or((text, false), |beginning| (beginning, true));
        match text {
            "" if !is_prefix => {
                Err("the name is empty; write the name of a tool or prompt, or the beginning of one and `*`")
            }
            _ if text.contains('*') => Err("`*` stands at the end of a name only"),
            _ => Ok(Self { text: text.to_owned(), is_prefix }),
        }
    }

    pub(super) fn fits(&self, name: &str) -> bool {
        if self.is_prefix { name.starts_with(&self.text) } else { name == self.text }
    }

    /// Whether everything that fits another fits this.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.fits(&other.text) && (self.is_prefix || !other.is_prefix)
    }
}

impl SegmentPattern {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut segments = Vec::new();
        for segment in text.split('/') {
            if matches!(segments.last(), Some(Segment::Rest(_))) {
                return Err("`{*name}` is the last segment of a pattern");
            }
            segments.push(Segment::parse(segment)?);
        }
        let names: Vec<_> = segments.iter().filter_map(Segment::name).collect();
        let is_double = names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name));
        if is_double { Err("two segments of the pattern have one name") } else { Ok(Self(segments)) }
    }

    /// The values of the named segments, if it fits.
    pub(super) fn values<'v>(&self, text: &'v str) -> Option<Vec<(&str, &'v str)>> {
        let (mut values, mut left) = (Vec::new(), Some(text));
        for segment in &self.0 {
            let rest = left?;
            let (first, after) = rest.split_once('/').map_or((rest, None), |(first, after)| (first, Some(after)));
            match segment {
                Segment::Literal(literal) if literal == first => {}
                Segment::Named(name) if !first.is_empty() => values.push((name.as_str(), first)),
                Segment::Rest(name) if !rest.is_empty() => {
                    values.push((name.as_str(), rest));
                    return Some(values);
                }
                _ => return None,
            }
            left = after;
        }
        left.is_none().then_some(values)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|segment| segment.name() == Some(name))
    }

    /// Whether everything that fits another fits this.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let mut others = other.0.iter();
        for segment in &self.0 {
            let is_covered = match (segment, others.next()) {
                (Segment::Rest(_), Some(_)) => return true,
                (Segment::Named(_), Some(Segment::Literal(literal))) => !literal.is_empty(),
                (Segment::Named(_), Some(Segment::Named(_))) => true,
                (Segment::Literal(own), Some(Segment::Literal(literal))) => own == literal,
                _ => false,
            };
            if !is_covered {
                return false;
            }
        }
        others.next().is_none()
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return if text.contains(['{', '}', '*', '?', '#']) {
                Err(
                    "a segment is a text without `{`, `}`, `*`, `?` and `#`, or `{name}` as a whole, or `{*name}` at the end",
                )
            } else {
                Ok(Self::Literal(text.to_owned()))
            };
        };
        match inner.strip_prefix('*') {
            Some(name) => named(name).map(Self::Rest),
            None => named(inner).map(Self::Named),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Named(name) | Self::Rest(name) => Some(name),
        }
    }
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const BRACES: &str = "braces of an id stand around the name of a segment, as in `{city}`";
        let (mut parts, mut left) = (Vec::new(), text);
        while let Some((before, after)) = left.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(BRACES)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Named(named(name)?));
            left = after;
        }
        if !left.is_empty() {
            parts.push(Part::Text(left.to_owned()));
        }
        let has_brace = |part: &Part| matches!(part, Part::Text(text) if text.contains('}'));
        match parts.as_slice() {
            [] => Err("the id is empty; leave it out, or write a text or `{name}`"),
            parts if parts.iter().any(has_brace) => Err(BRACES),
            _ => Ok(Self(parts)),
        }
    }

    /// The segments that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| if let Part::Named(name) = part { Some(name.as_str()) } else { None })
    }

    pub(super) fn filled(&self, values: &[(&str, &str)]) -> String {
        let value = |name: &str| values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        let texts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Named(name) => value(name),
        });
        texts.collect()
    }
}

fn named(name: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Err("the name of a segment consists of letters, digits, `_` and `-`");
    }
    Ok(name.to_owned())
}
