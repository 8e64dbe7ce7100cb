//! Where content comes from.

/// Where content comes from: it decides which rules apply, and by which keys values are made unreadable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context<'a> {
    /// What the content is: `arguments`, `result`. It separates keyed hashes and encryption from those of other fields.
    pub field: &'a str,
    /// The tool that is called.
    pub tool: Option<&'a str>,
    /// The tenant. Pseudonyms of one tenant say nothing of those of another.
    pub tenant: Option<&'a str>,
    /// Whose key encrypts: a data subject, or the tenant. Without one, what should be encrypted is masked.
    pub subject: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// Content of that field (`arguments`, `result`), of which nothing else is known.
    pub fn of(field: &'a str) -> Self {
        Self { field, ..Self::default() }
    }

    /// Of a call of that tool.
    pub fn tool(self, tool: Option<&'a str>) -> Self {
        Self { tool, ..self }
    }

    /// Of that tenant.
    pub fn tenant(self, tenant: Option<&'a str>) -> Self {
        Self { tenant, ..self }
    }

    /// Of that data subject.
    pub fn subject(self, subject: Option<&'a str>) -> Self {
        Self { subject, ..self }
    }
}
