//! The rules together: content in, what may be recorded out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::action::Action;
use super::compiled::Compiled;
use super::context::Context;
use super::detector::Detector;
use super::is_json;
use super::limits::RedactionLimits;
use super::pass::{Fate, Pass};
use super::protect::Protect;
use super::redacted::{Redacted, Unread};
use super::rule::RedactionRule;
use super::strings::escaped;
use super::walk::{Stop, Walk};

/// Redacts content. Compiled once; cheap to clone.
///
/// By default, all detectors mask what they find.
#[derive(Debug, Clone)]
pub struct Redactor(Arc<Compiled>);

impl Redactor {
    pub(super) fn of(compiled: Compiled) -> Self {
        Self(Arc::new(compiled))
    }

    /// How much is looked at.
    pub fn limits(&self) -> &RedactionLimits {
        &self.0.limits
    }

    /// All that it was told to do, as the tables of a policy file.
    pub(crate) fn tables(&self) -> Vec<Vec<(&'static str, String)>> {
        let limits = self.limits();
        let mut tables = self.0.rules.tables();
        if *limits != RedactionLimits::default() {
            let RedactionLimits { bytes, kept_bytes, depth, values, work } = limits;
            let numbers =
                [("bytes", bytes), ("kept_bytes", kept_bytes), ("depth", depth), ("values", values), ("work", work)];
            tables.push(numbers.map(|(key, number)| (key, number.to_string())).to_vec());
        }
        tables
    }

    /// The content (JSON or any other text) as it may be recorded. Never panics: where a rule or `protect` does, or a limit is
    /// passed, all of the content is masked, and its length and digest tell what it was.
    pub fn redact(&self, content: &[u8], context: &Context<'_>, protect: &dyn Protect) -> Redacted {
        if content.len() > self.limits().bytes {
            return Redacted::unread(Unread::TooLong, content.len(), || {
                digest(&Sha256::digest(content), context, protect)
            });
        }
        // Nothing that is seen afterwards is left half changed: the pass and all that it wrote are gone.
        let redacted = catch_unwind(AssertUnwindSafe(|| self.passed(content, context, protect)));
        match redacted.unwrap_or(Err(Unread::Panicked)) {
            Ok((Fate::Stays, _)) => self.kept(content.to_vec(), content, Vec::new(), context, protect),
            Ok((Fate::Dropped, paths)) => self.kept(b"null".to_vec(), content, paths, context, protect),
            Ok((Fate::Replaced(text), paths)) => self.kept(text, content, paths, context, protect),
            Err(why) => Redacted::unread(why, content.len(), || digest(&Sha256::digest(content), context, protect)),
        }
    }

    fn passed(
        &self,
        content: &[u8],
        context: &Context<'_>,
        protect: &dyn Protect,
    ) -> Result<(Fate, Vec<String>), Unread> {
        #[cfg(test)]
        super::planted::panic_of(content);
        let mut pass = Pass::new(&self.0, context, protect);
        if let Some(rule) = self.0.rules.of_nameless(&[], context) {
            let fate = match pass.whole(rule, content) {
                Fate::Replaced(text) => Fate::Replaced(quoted(&text)),
                fate => fate,
            };
            return Ok((fate, pass.touched));
        }
        let fate = match Walk::of(content).all(&mut pass) {
            Ok(fate) => fate,
            Err(Stop::Unread(why)) => return Err(why),
            // What rules would hide in it cannot be found.
            Err(Stop::Malformed) if is_json::is_meant(content) => return Err(Unread::Malformed),
            Err(Stop::Malformed) => {
                pass = Pass::new(&self.0, context, protect);
                pass.text(content)?
            }
        };
        Ok((fate, pass.touched))
    }

    /// What may be recorded of a redacted text: it is cut only now, so no half of a secret passes by a detector.
    fn kept(
        &self,
        text: Vec<u8>,
        content: &[u8],
        paths: Vec<String>,
        context: &Context<'_>,
        protect: &dyn Protect,
    ) -> Redacted {
        let mut text =
            String::from_utf8(text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let truncated = text.len() > self.limits().kept_bytes;
        if truncated {
            text.truncate(crate::record::cut(&text, self.limits().kept_bytes).len());
        }
        let digest = if truncated { digest(&Sha256::digest(content), context, protect) } else { None };
        Redacted { text, paths, original_bytes: content.len(), truncated, digest, unread: None }
    }
}

/// All detectors, which mask.
impl Default for Redactor {
    fn default() -> Self {
        let masks = Detector::ALL.map(|detector| RedactionRule::detector(detector, Action::Mask));
        let mut compiled = Compiled::default();
        masks.into_iter().for_each(|rule| compiled.rules.add_default(rule));
        Self::of(compiled)
    }
}

/// The keyed digest of a content, of which its SHA-256 is known. `None` if there can be none now.
pub(super) fn digest(sha256: &[u8], context: &Context<'_>, protect: &dyn Protect) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| protect.hash(context.field, sha256))).ok()
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    escaped(text, &mut quoted);
    quoted
}
