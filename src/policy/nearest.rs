//! What somebody may have meant.

/// The known word that is nearest to one that is not known, if any is near enough.
pub(crate) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = unknown.chars().count();
    if length > LONGEST {
        return None;
    }
    let most = (length / 3).max(1);
    let far = |word: &str| match length > 2 && word.starts_with(unknown) {
        true => 1,
        false => distance(unknown, word),
    };
    let near = known.into_iter().map(|word| (far(word), word)).filter(|(distance, _)| *distance <= most);
    near.min().map(|(_, word)| word)
}

/// How many characters have to be added, removed, replaced, or swapped with the next (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (row, character) in one.to_lowercase().chars().enumerate() {
        let mut next = vec![row + 1];
        for (column, wanted) in other.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, column) + usize::from(character != *wanted);
            let mut best = replaced.min(at(&last, column + 1) + 1).min(at(&next, column) + 1);
            let swaps = column > 0 && previous == Some(*wanted) && other.get(column - 1) == Some(&character);
            if swaps {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            next.push(best);
        }
        previous = Some(character);
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

/// Nobody misspells a longer key.
const LONGEST: usize = 64;
