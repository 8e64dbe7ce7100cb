//! The rules together: content in, what may be recorded out.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::context::Context;
use super::protect::Protect;
use super::redacted::{Redacted, Unread};

/// Redacts content. Compiled once; cheap to clone.
///
/// By default, all detectors mask what they find.
#[derive(Debug, Clone, Default)]
pub struct Redactor(Arc<Rules>);

#[derive(Debug, Default)]
struct Rules;

impl Redactor {
    /// The content (JSON or any other text) as it may be recorded. Never panics.
    pub fn redact(&self, content: &[u8], context: &Context<'_>, protect: &dyn Protect) -> Redacted {
        let Rules = *self.0;
        unread(content, context, protect, Unread::TooMuchWork)
    }
}

fn unread(content: &[u8], context: &Context<'_>, protect: &dyn Protect, why: Unread) -> Redacted {
    Redacted {
        text: MASK.to_owned(),
        paths: vec!["$".to_owned()],
        original_bytes: content.len(),
        truncated: true,
        digest: Some(protect.hash(context.field, &Sha256::digest(content))),
        unread: Some(why),
    }
}

const MASK: &str = "\"[redacted]\"";
