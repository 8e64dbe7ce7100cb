//! The user's functions. A hook that panics must not abort the MCP call.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::calls::{Call, Class};
use crate::config::Notices;
use crate::policy::Decision;

type AuthorizeHook = Arc<dyn Fn(&Call) -> Decision + Send + Sync>;
type DenialHook = Arc<dyn Fn(&Failure<'_>) -> bool + Send + Sync>;
type ClassHook = Arc<dyn Fn(&Call) -> Class + Send + Sync>;
type AuditedHook = Arc<dyn Fn(&tracing::Metadata<'static>) -> bool + Send + Sync>;

/// The hooks that the builder was given.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(super) authorize: Option<AuthorizeHook>,
    pub(super) class: Option<ClassHook>,
    pub(super) denied: Option<DenialHook>,
    pub(super) audited: Option<AuditedHook>,
}

/// A failed call, as the hook `denied_when` sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The MCP method, if it is known.
    pub method: Option<&'a str>,
    /// The tool or prompt, if it is known.
    pub name: Option<&'a str>,
    /// The JSON-RPC error code, if there is one.
    pub code: Option<i64>,
    /// The text of the error. Only this hook sees it; it is never exported.
    pub message: &'a str,
}

impl<'a> Failure<'a> {
    #[cfg(any(feature = "layer", feature = "mcp"))]
    pub(crate) fn new(method: Option<&'a str>, name: Option<&'a str>, code: Option<i64>, message: &'a str) -> Self {
        Self { method, name, code, message }
    }
}

impl Hooks {
    /// A decision that could not be made is a denial: the hook guards access.
    pub(crate) fn authorize(&self, notices: &Notices, call: &Call) -> Decision {
        let Some(hook) = self.authorize.as_ref() else { return Decision::Allow };
        guarded(notices, "the authorize hook panicked; the call is denied", || hook(call))
            .unwrap_or_else(|| Decision::deny("the decision could not be made"))
    }

    /// The class of a call; of one whose class could not be found out, the default, which the builder may have set.
    pub(crate) fn class(&self, notices: &Notices, call: &Call, default: Class) -> Class {
        let Some(hook) = self.class.as_ref() else { return default };
        guarded(notices, "the classify hook panicked; the call has the default class", || hook(call)).unwrap_or(default)
    }

    #[cfg(any(feature = "layer", feature = "mcp"))]
    pub(crate) fn is_denial(&self, notices: &Notices, failure: &Failure<'_>) -> bool {
        let Some(hook) = self.denied.as_ref() else { return false };
        guarded(notices, "the denied_when hook panicked; the call is recorded as failed", || hook(failure))
            .unwrap_or(false)
    }

    #[cfg(any(feature = "layer", feature = "mcp"))]
    pub(crate) fn has_denial(&self) -> bool {
        self.denied.is_some()
    }

    #[cfg(feature = "layer")]
    pub(crate) fn may_audit_any_span(&self) -> bool {
        self.audited.is_some()
    }

    #[cfg(feature = "layer")]
    pub(crate) fn is_audited(&self, notices: &Notices, metadata: &'static tracing::Metadata<'static>) -> bool {
        let Some(hook) = self.audited.as_ref() else { return false };
        guarded(notices, "the audited_when hook panicked; the span is not audited", || hook(metadata)).unwrap_or(false)
    }
}

fn guarded<T>(notices: &Notices, problem: &'static str, hook: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(hook)).ok();
    if result.is_none() {
        notices.warn_of(problem, problem);
    }
    result
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("authorize", &self.authorize.is_some())
            .field("classify", &self.class.is_some())
            .field("denied_when", &self.denied.is_some())
            .field("audited_when", &self.audited.is_some())
            .finish()
    }
}
