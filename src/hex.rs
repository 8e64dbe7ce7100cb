//! Bytes as text.

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits(bytes));
    text
}

/// What [`hex`] is made of.
pub(crate) fn digits(bytes: &[u8]) -> impl Iterator<Item = char> {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(move |byte| [digit(byte >> 4), digit(byte & 0xF)])
}

#[cfg(test)]
mod tests;
