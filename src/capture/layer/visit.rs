//! Reads only the allowed fields of a span or event.

use std::cell::Cell;
use std::fmt::{Arguments, Debug, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Metadata;
use tracing::field::{Field, Visit};

use crate::policy::{AllowList, is_uri};
use crate::record::names::{self, Kind, Role};
use crate::record::{Given, Key, Name, Scalar};

/// The fields of one call site, by index; `None` for those that must not leave.
#[derive(Debug)]
pub(super) struct AllowedFields {
    allowed: Vec<Option<AllowedField>>,
    are_unique: bool,
    warned: AtomicBool,
}

/// A field that may leave.
#[derive(Debug)]
pub(super) struct AllowedField {
    pub(super) name: Name,
    pub(super) purpose: Purpose,
    /// The type of its values in the contract; none for a name that the user added.
    kind: Option<Kind>,
    /// Its texts are recorded unchanged, and no other field has its name.
    is_plain: bool,
}

/// How its value is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is recorded.
    Fact,
    /// It is recorded without its secrets.
    Uri,
    /// It names the event of the span.
    Event,
    /// It reports how the span ended.
    Outcome,
}

impl Purpose {
    /// The purpose of a field with that name, if it may leave.
    fn of(name: &str, allow: &AllowList) -> Option<Self> {
        Some(match (allow.role(name)?, name) {
            (Role::Trail, _) => return None,
            (Role::Outcome, _) => Self::Outcome,
            (_, names::AUDITRAIL_EVENT) => Self::Event,
            (_, name) if is_uri(name) => Self::Uri,
            _ => Self::Fact,
        })
    }
}

impl AllowedField {
    pub(super) fn key(&self) -> &Key {
        self.name.key()
    }
}

impl AllowedFields {
    pub(super) fn of(metadata: &'static Metadata<'static>, allow: &AllowList) -> Self {
        let mut names: Vec<_> = metadata.fields().iter().map(|field| field.name()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        let are_unique = names.len() == all;
        let allowed = |field: Field| {
            let purpose = Purpose::of(field.name(), allow)?;
            let kind = names::attribute(field.name()).map(|attribute| attribute.kind);
            let is_plain = are_unique && purpose == Purpose::Fact && matches!(kind, Some(Kind::Str) | None);
            Some(AllowedField { name: Name::new(field.name()), purpose, kind, is_plain })
        };
        let allowed = metadata.fields().iter().map(allowed).collect();
        Self { allowed, are_unique, warned: AtomicBool::new(false) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.allowed.iter().all(Option::is_none)
    }

    /// Whether all names are different, which `tracing` does not require.
    pub(super) fn are_unique(&self) -> bool {
        self.are_unique
    }

    /// Whether no warning about this call site was given before.
    pub(super) fn first_warning(&self) -> bool {
        !self.warned.swap(true, Ordering::Relaxed)
    }

    /// The name of a field whose texts are recorded unchanged, as nearly all are.
    #[inline]
    pub(super) fn plain(&self, field: &Field) -> Option<&Name> {
        let allowed = self.allowed.get(field.index())?.as_ref()?;
        allowed.is_plain.then_some(&allowed.name)
    }

    /// A visitor that calls `take` with each allowed field and its value.
    pub(super) fn visit<F: FnMut(&AllowedField, Given<'_>)>(&self, take: F) -> Visitor<'_, F> {
        Visitor { fields: self, take }
    }
}

pub(super) struct Visitor<'f, F> {
    fields: &'f AllowedFields,
    take: F,
}

impl<F: FnMut(&AllowedField, Given<'_>)> Visitor<'_, F> {
    #[inline]
    fn allowed(&self, field: &Field) -> Option<&'_ AllowedField> {
        self.fields.allowed.get(field.index())?.as_ref()
    }

    /// Converts a value to the type of its name in the contract, if nothing is lost.
    fn take(&mut self, field: &Field, value: Scalar<'_>) {
        let Some(allowed) = self.fields.allowed.get(field.index()).and_then(Option::as_ref) else { return };
        let scalar = match (allowed.kind, value) {
            (Some(Kind::Str), Scalar::Int(number)) => return self.take_written(field, format_args!("{number}")),
            (Some(Kind::Str), Scalar::Double(number)) => return self.take_written(field, format_args!("{number}")),
            (Some(Kind::Str), Scalar::Bool(flag)) => Scalar::Str(if flag { "true" } else { "false" }),
            (Some(Kind::Int), Scalar::Str(text)) => text.parse().map_or(value, Scalar::Int),
            (Some(Kind::Double), Scalar::Str(text)) => text.parse().map_or(value, Scalar::Double),
            (Some(Kind::Double), Scalar::Int(number)) => {
                i32::try_from(number).map_or(value, |n| Scalar::Double(n.into()))
            }
            (Some(Kind::Bool), Scalar::Str(text)) => text.parse().map_or(value, Scalar::Bool),
            (_, value) => value,
        };
        (self.take)(allowed, Given { scalar, in_list: allowed.kind == Some(Kind::Strs) });
    }

    fn take_written(&mut self, field: &Field, value: Arguments<'_>) {
        if self.allowed(field).is_some() {
            written(value, |text| self.take(field, Scalar::Str(text)));
        }
    }
}

impl<F: FnMut(&AllowedField, Given<'_>)> Visit for Visitor<'_, F> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, Scalar::Str(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, Scalar::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.take(field, Scalar::Int(value)),
            Err(_) => self.take_written(field, format_args!("{value}")),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, Scalar::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, Scalar::Bool(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.take_written(field, format_args!("{value:?}"));
    }
}

/// Writes a value into memory of the thread. A nested call, from a user's `Debug`, gets separate memory.
fn written(value: Arguments<'_>, take: impl FnOnce(&str)) {
    thread_local!(static TEXT: Cell<String> = const { Cell::new(String::new()) });
    let mut text = TEXT.take();
    text.clear();
    // A `Debug` that fails has written what it could.
    text.write_fmt(value).unwrap_or_default();
    take(&text);
    if text.capacity() <= KEPT {
        TEXT.set(text);
    }
}

/// Bytes; texts longer than the usual limit of a value are rare.
const KEPT: usize = 8 * 1024;
