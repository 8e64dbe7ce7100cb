//! Mistakes in the configuration that do not stop the start.

/// A list of warnings, one line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warnings(Vec<String>);

impl Warnings {
    pub(super) fn add(&mut self, text: String) {
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    /// The warnings that are not in `others`: both signals read the general variables.
    pub(super) fn without(mut self, others: &Self) -> Self {
        self.0.retain(|text| !others.0.contains(text));
        self
    }

    /// The lines.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
