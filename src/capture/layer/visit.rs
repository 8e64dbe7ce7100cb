//! Reads the allowed fields of a span or event, and no other.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Metadata;
use tracing::field::{Field, Visit};

use crate::policy::AllowList;
use crate::record::names::{self, Kind, Role};
use crate::record::{Key, Value};

/// The fields of one call site, by their index; `None` for those that must not leave.
#[derive(Debug)]
pub(super) struct Fields {
    allowed: Vec<Option<Allowed>>,
    warned: AtomicBool,
}

#[derive(Debug)]
struct Allowed {
    key: Key,
    role: Role,
    /// What the contract says that values look like; none for a name that the user added.
    kind: Option<Kind>,
}

impl Fields {
    pub(super) fn of(metadata: &'static Metadata<'static>, allow: &AllowList) -> Self {
        let allowed = |field: Field| {
            let role = allow.role(field.name()).filter(|role| *role != Role::Trail)?;
            let kind = names::attribute(field.name()).map(|attribute| attribute.kind);
            Some(Allowed { key: Cow::Borrowed(field.name()), role, kind })
        };
        Self { allowed: metadata.fields().iter().map(allowed).collect(), warned: AtomicBool::new(false) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.allowed.iter().all(Option::is_none)
    }

    /// Whether nobody was warned of this call site before.
    pub(super) fn first_warning(&self) -> bool {
        !self.warned.swap(true, Ordering::Relaxed)
    }

    /// A visitor that hands over key, role and value of each allowed field.
    pub(super) fn visit<F: FnMut(&Key, Role, Value)>(&self, take: F) -> Visitor<'_, F> {
        Visitor { fields: self, take }
    }
}

pub(super) struct Visitor<'f, F> {
    fields: &'f Fields,
    take: F,
}

impl<F: FnMut(&Key, Role, Value)> Visitor<'_, F> {
    fn take(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        if let Some(Some(allowed)) = self.fields.allowed.get(field.index()) {
            (self.take)(&allowed.key, allowed.role, shaped(value(), allowed.kind));
        }
    }
}

impl<F: FnMut(&Key, Role, Value)> Visit for Visitor<'_, F> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, || Value::from(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, || Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, || i64::try_from(value).map_or_else(|_| Value::from(value.to_string()), Value::Int));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, || Value::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, || Value::Bool(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.take(field, || Value::from(format!("{value:?}")));
    }
}

/// Gives a value the type that the contract has for its name, where that is possible without a loss.
fn shaped(value: Value, kind: Option<Kind>) -> Value {
    match (kind, value) {
        (Some(Kind::Str), Value::Int(number)) => Value::from(number.to_string()),
        (Some(Kind::Str), Value::Bool(flag)) => Value::from(flag.to_string()),
        (Some(Kind::Str), Value::Double(number)) => Value::from(number.to_string()),
        (Some(Kind::Int), Value::Str(text)) => text.parse().map_or(Value::Str(text), Value::Int),
        (Some(Kind::Bool), Value::Str(text)) => text.parse().map_or(Value::Str(text), Value::Bool),
        (Some(Kind::Strs), value) => Value::Array(vec![value]),
        (_, value) => value,
    }
}
