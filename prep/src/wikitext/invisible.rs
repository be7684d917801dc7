//! Chars that show nothing: soft hyphens, zero-width spaces and marks of writing direction. They part a name from its match.

use std::borrow::Cow;

/// Whether a char shows nothing and joins nothing. U+200C and U+200D do: they tell words of Persian, Indic scripts and emoji apart.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// The text without invisible chars.
pub(super) fn remove_invisible(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    // All of them begin with C2, E2 or EF in UTF-8.
    let mut found = memchr::memchr3_iter(0xc2, 0xe2, 0xef, bytes).filter(|&at| match bytes[at..] {
        [0xc2, second, ..] => second == 0xad,
        [0xe2, 0x80, third, ..] => matches!(third, 0x8b | 0x8e | 0x8f | 0xaa..=0xae),
        [0xe2, 0x81, third, ..] => (0xa0..=0xa9).contains(&third),
        [0xef, 0xbb, third, ..] => third == 0xbf,
        _ => false,
    });
    let Some(first) = found.next() else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for at in std::iter::once(first).chain(found) {
        out.push_str(&text[from..at]);
        from = at + if bytes[at] == 0xc2 { 2 } else { 3 };
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_only_invisible_chars_are_removed() {
        for c in (0..0x1_1000).filter_map(char::from_u32) {
            let text = format!("é{c}。");
            let expected = if is_invisible(c) { "é。".to_owned() } else { text.clone() };
            assert_eq!(remove_invisible(&text), expected, "{:x}", u32::from(c));
        }
        assert_eq!(remove_invisible("\u{ad}\u{200b}a\u{feff}"), "a");
    }
}
