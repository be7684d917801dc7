//! The fast path of the last pass: runs of plain chars, which are appended to a block unchanged.

/// Length in bytes and chars of the plain text at the start of `text`: plain chars with single spaces between them.
pub(super) fn plain_text_length(text: &str) -> (usize, u32) {
    /// Number of bytes tested together.
    const STRIDE: usize = 16;
    let bytes = text.as_bytes();
    let (mut end, mut chars) = (0, 0);
    loop {
        // Without a branch per byte, so that the compiler vectorises the test.
        while let Some(window) = bytes.get(end..=end + STRIDE)
            && window[..STRIDE]
                .iter()
                .zip(&window[1..])
                .fold(true, |all, (&byte, &next)| all & (is_plain_ascii(byte) | ((byte == b' ') & is_plain_ascii(next))))
        {
            end += STRIDE;
            chars += STRIDE as u32;
        }
        // A char that is not plain, or not ASCII, is usually among the next ones: the stride is not tested again before it.
        let stop = end + STRIDE;
        while end < stop {
            let space = usize::from(bytes.get(end) == Some(&b' '));
            match plain_char_length(&bytes[end + space..]) {
                0 => return (end, chars),
                length => {
                    end += space + length;
                    chars += space as u32 + 1;
                }
            }
        }
    }
}

/// Whether an ASCII byte is a plain char other than a space.
fn is_plain_ascii(byte: u8) -> bool {
    (byte > b' ') & (byte < 0x7f) & (byte != b'(') & (byte != b'&')
}

/// Length of the char at the start of a text if it is plain, else 0. Beyond ASCII, chars of two and three bytes are plain, except white
/// space, control chars, markers and `（`.
pub(super) fn plain_char_length(bytes: &[u8]) -> usize {
    match *bytes {
        [byte, ..] if is_plain_ascii(byte) => 1,
        [0xc2, second, ..] if second > 0xa0 => 2,
        [0xc3..=0xdf, ..] => 2,
        [0xe1, second, third, ..] if (second, third) != (0x9a, 0x80) => 3,
        [0xe2, second, third, ..] if !matches!((second, third), (0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf) | (0x81, 0x9f)) => 3,
        [0xe3, second, third, ..] if (second, third) != (0x80, 0x80) => 3,
        [0xe0 | 0xe4..=0xed, ..] => 3,
        [0xef, second, third, ..] if second >= 0xb8 && (second, third) != (0xbc, 0x88) => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_ends_at_syntax_and_double_spaces() {
        for (text, expected) in [
            ("one two", 7),
            (" one", 4),
            ("one  two", 3),
            ("one two three four five (", 23),
            ("twelve bytes and four &amp;", 21),
            ("это слово — 北京 ", "это слово — 北京".len()),
            ("a\u{a0}b", 1),
            ("a\u{fdd0}", 1),
            ("", 0),
        ] {
            assert_eq!(plain_text_length(text), (expected, text[..expected].chars().count() as u32), "{text}");
        }
    }
}
