//! What is wrong with the configuration and stops no start.

/// One line for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Warnings(Vec<String>);

impl Warnings {
    pub(super) fn add(&mut self, text: String) {
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    /// Those that are not among others: both signals read the general variables.
    pub(super) fn without(mut self, others: &Self) -> Self {
        self.0.retain(|text| !others.0.contains(text));
        self
    }

    /// The lines.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
