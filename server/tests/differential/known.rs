//! What is known to be otherwise, and why.

/// `victim carrier way entry: reason`, one a line. It gets shorter: what is no difference any more may not stand there. Where
/// messages that are made by chance differ in many ways, the entry is `*`, and those are not sent that way.
#[derive(Debug)]
pub(crate) struct Known(Vec<String>);

impl Known {
    pub(crate) fn read() -> Self {
        let lines = include_str!("known.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect())
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        self.0.iter().any(|known| known == what)
    }

    /// Those of that victim and carrier that were not seen.
    pub(crate) fn beside(&self, seen: &[String], prefix: &str) -> Vec<&String> {
        self.0
            .iter()
            .filter(|known| known.starts_with(prefix) && !known.ends_with('*') && !seen.contains(known))
            .collect()
    }
}
