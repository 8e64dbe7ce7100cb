//! Paths of values in JSON: a small part of JSONPath (RFC 9535).
//!
//! `$` is the whole content; `.name`, `['any name']` a member, `.*` any member; `[*]` any element; `..name` a member at any depth.

use super::error::RedactionError;
use super::names::{NameId, Names};

/// A path as it stands in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    Name(NameId),
    AnyName,
    AnyIndex,
    Deep(NameId),
}

/// Where a value is: the steps to it from the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A member. Names that no rule names are all the same, so that none is told.
    Name(Option<NameId>),
    Index,
}

impl Path {
    /// The path of that text. Its names are added to those that rules name.
    pub(super) fn parse(text: &str, names: &mut Names) -> Result<Self, RedactionError> {
        let mistake = |at: usize, problem: &str| RedactionError::new("path", Some(at), problem);
        if !text.starts_with('$') {
            return Err(mistake(0, "a path begins with `$`, as in `$.customer.email`"));
        }
        let (mut segments, mut at) = (Vec::new(), 1);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let (segment, length) = segment(rest, names).map_err(|(offset, problem)| mistake(at + offset, problem))?;
            segments.push(segment);
            at += length;
        }
        if segments.len() > MOST {
            return Err(mistake(0, "a path has at most 64 parts; nothing deeper is looked at"));
        }
        Ok(Self(segments))
    }

    /// The name of the last step. Without one, any value can be meant.
    pub(super) fn last(&self) -> Option<NameId> {
        match self.0.last()? {
            Segment::Name(name) | Segment::Deep(name) => Some(*name),
            Segment::AnyName | Segment::AnyIndex => None,
        }
    }

    /// Whether a value is meant. It takes at most the product of both lengths: only the last `..` is ever tried again.
    pub(super) fn matches(&self, steps: &[Step]) -> bool {
        let (mut step, mut part, mut deep) = (0, 0, None);
        loop {
            match (self.0.get(part), steps.get(step)) {
                (None, None) => return true,
                (Some(Segment::Deep(_)), _) => deep = Some((part, step)),
                (Some(segment), Some(at)) if segment.fits(*at) => {
                    (step, part) = (step + 1, part + 1);
                    continue;
                }
                _ => {}
            }
            let Some((from, next)) = deep else { return false };
            let Some(Segment::Deep(name)) = self.0.get(from) else { return false };
            let rest = steps.get(next..).unwrap_or_default();
            let Some(found) = rest.iter().position(|at| *at == Step::Name(Some(*name))) else { return false };
            deep = Some((from, next + found + 1));
            (step, part) = (next + found + 1, from + 1);
        }
    }
}

impl Segment {
    fn fits(self, step: Step) -> bool {
        match (self, step) {
            (Self::Name(name), Step::Name(at)) => at == Some(name),
            (Self::AnyName, Step::Name(_)) | (Self::AnyIndex, Step::Index) => true,
            _ => false,
        }
    }
}

/// The first segment of a text and its length, or where the mistake is.
fn segment(text: &str, names: &mut Names) -> Result<(Segment, usize), (usize, &'static str)> {
    if let Some(rest) = text.strip_prefix("..") {
        let (name, length) = plain_name(rest).map_err(|problem| (2, problem))?;
        return Ok((Segment::Deep(names.add(name)), 2 + length));
    }
    if text.starts_with(".*") {
        return Ok((Segment::AnyName, 2));
    }
    if let Some(rest) = text.strip_prefix('.') {
        let (name, length) = plain_name(rest).map_err(|problem| (1, problem))?;
        return Ok((Segment::Name(names.add(name)), 1 + length));
    }
    if text.starts_with("[*]") {
        return Ok((Segment::AnyIndex, 3));
    }
    for (open, close) in [("['", "']"), ("[\"", "\"]")] {
        if let Some(rest) = text.strip_prefix(open) {
            let length = rest.find(close).ok_or((0, "the bracket is not closed: write `['name']`"))?;
            let name = rest.get(..length).unwrap_or_default();
            return Ok((Segment::Name(names.add(name)), length + 4));
        }
    }
    match text.starts_with('[') {
        true => Err((
            0,
            "write `[*]` for the elements of an array, or `['name']` for a member; single elements cannot be named",
        )),
        false => Err((0, "write `.name`, `..name`, `.*`, `[*]` or `['name']` here")),
    }
}

fn plain_name(text: &str) -> Result<(&str, usize), &'static str> {
    let length = text.find(['.', '[', ']', '\'', '"', '*', ' ']).unwrap_or(text.len());
    match text.get(..length).filter(|name| !name.is_empty()) {
        Some(_) if text.get(length..).is_some_and(|rest| rest.starts_with('*')) => {
            Err("a name in a path is whole; `key = \"name*\"` matches beginnings")
        }
        Some(name) => Ok((name, length)),
        None => Err("a name is missing here"),
    }
}

const MOST: usize = 64;
