//! Word boundaries: the places where a name may begin or end in a text.

use unicode_normalization::char::is_combining_mark;

/// Writes all word boundaries of a text to `boundaries`, as byte offsets in ascending order; its previous content is dropped.
///
/// The start and the end of the text are boundaries. No boundary lies between two letters or digits of a script that separates words by
/// spaces, or before a combining mark. In Chinese, Japanese, Thai and other scripts without spaces every char begins a new word.
///
/// Cost: about one cycle per byte of ASCII text.
pub fn word_boundaries(text: &str, boundaries: &mut Vec<usize>) {
    boundaries.clear();
    let bytes = text.as_bytes();
    let (mut at, mut after_word_char) = (0, false);
    boundaries.reserve(bytes.len() / 3 + 1);
    while at < bytes.len() {
        if let Some(block) = bytes.get(at..at + BLOCK)
            && block[0].is_ascii()
        {
            let AsciiBlock { length, word_chars } = AsciiBlock::scan(block);
            let inside_words = word_chars & (word_chars << 1 | u64::from(after_word_char));
            let mut cuts = !inside_words & u64::MAX >> (BLOCK - length);
            while cuts != 0 {
                boundaries.push(at + cuts.trailing_zeros() as usize);
                cuts &= cuts - 1;
            }
            after_word_char = word_chars >> (length - 1) & 1 == 1;
            at += length;
            continue;
        }
        let byte = bytes[at];
        let (is_word_char, inside_word) = if byte.is_ascii() {
            let is_word_char = byte.is_ascii_alphanumeric();
            (is_word_char, after_word_char & is_word_char)
        } else {
            let c = text[at..].chars().next().expect("`at` is a char boundary");
            let is_word_char = is_word_char(c);
            (is_word_char, is_combining_mark(c) || (after_word_char && is_word_char))
        };
        if !inside_word || at == 0 {
            boundaries.push(at);
        }
        after_word_char = is_word_char;
        at += if byte.is_ascii() { 1 } else { utf8_length(byte) };
    }
    boundaries.push(text.len());
}

/// Bytes that are scanned together, one bit of a `u64` for each.
const BLOCK: usize = 64;

/// The ASCII prefix of [`BLOCK`] bytes. Computed without a branch that depends on where words end, which a processor cannot predict.
struct AsciiBlock {
    /// Bytes up to the first one that is not ASCII.
    length: usize,
    /// A bit for each byte that is a letter or digit. Bits from `length` on have no meaning.
    word_chars: u64,
}

impl AsciiBlock {
    fn scan(block: &[u8]) -> Self {
        let (mut word_chars, mut ascii) = (0, 0);
        for (index, eight) in block.chunks_exact(8).enumerate() {
            let eight = read_u64(eight);
            word_chars |= ascii_alphanumeric_bits(eight) << (8 * index);
            ascii |= high_bits(!eight) << (8 * index);
        }
        Self { length: ascii.trailing_ones() as usize, word_chars }
    }
}

/// Eight bytes as a little-endian number.
///
/// # Panics
/// If the slice is not eight bytes long.
pub(super) fn read_u64(eight: &[u8]) -> u64 {
    u64::from_le_bytes(eight.try_into().expect("the slice has eight bytes"))
}

/// A bit for each of eight bytes that is an ASCII letter or digit. The bits of bytes that are not ASCII have no meaning.
fn ascii_alphanumeric_bits(eight: u64) -> u64 {
    const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
    // Sets the high bit of each byte that is at least `first`.
    let at_least = |bytes: u64, first: u8| bytes.wrapping_add(EACH_BYTE * u64::from(0x80 - first));
    let seven_bits = eight & !(EACH_BYTE * 0x80);
    let lowercase = seven_bits | (EACH_BYTE * 0x20);
    let letters = at_least(lowercase, b'a') & !at_least(lowercase, b'z' + 1);
    let digits = at_least(seven_bits, b'0') & !at_least(seven_bits, b'9' + 1);
    high_bits(letters | digits)
}

/// The high bits of eight bytes, gathered into one byte by a multiplication.
fn high_bits(eight: u64) -> u64 {
    (eight >> 7 & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Length in bytes of the char that begins with this byte, which is not ASCII.
fn utf8_length(first: u8) -> usize {
    (!first).leading_zeros() as usize
}

fn is_word_char(c: char) -> bool {
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_in_unspaced_script(c)
}

/// Whether a char belongs to a script that puts no spaces between words.
fn is_in_unspaced_script(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312f}' | '\u{31a0}'..='\u{31ff}' // kana, Bopomofo
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
        | '\u{ff66}'..='\u{ff9f}' // half-width kana
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_the_script_says() {
        let check = |text: &str, expected: &str| {
            let mut boundaries = Vec::new();
            word_boundaries(text, &mut boundaries);
            let words: Vec<&str> = boundaries.windows(2).map(|word| &text[word[0]..word[1]]).collect();
            assert_eq!(words.join("|"), expected);
        };
        check("", "");
        check("Arden's 2nd", "Arden|'|s| |2nd");
        check("cafe\u{301} кот", "cafe\u{301}| |кот");
        check("北京MT银行", "北|京|MT|银|行");
        check("ไท\u{e49}", "ไ|ท\u{e49}");
    }

    #[test]
    fn ascii_letters_and_digits_are_found_in_every_byte() {
        for byte in 0..128u8 {
            for place in 0..8 {
                let mut eight = *b"a /Z:9@{";
                eight[place] = byte;
                let expected: u64 = (0..8).map(|at| u64::from(eight[at].is_ascii_alphanumeric()) << at).sum();
                assert_eq!(ascii_alphanumeric_bits(u64::from_le_bytes(eight)), expected, "{eight:?}");
            }
        }
    }

    #[test]
    fn boundaries_do_not_depend_on_where_a_block_begins() {
        let char_by_char = |text: &str| {
            let begins_word_char = |at: usize| text[at..].chars().next().is_some_and(is_word_char);
            let inside = |at: usize| text[..at].chars().next_back().is_some_and(is_word_char) && begins_word_char(at);
            (0..=text.len()).filter(|&at| text.is_char_boundary(at) && !inside(at)).collect::<Vec<_>>()
        };
        let text = "The end, they said: 12 words, 北京 or Zürich's?! ".repeat(9);
        let mut boundaries = Vec::new();
        for start in (0..200).filter(|&start| text.is_char_boundary(start)) {
            word_boundaries(&text[start..], &mut boundaries);
            assert_eq!(boundaries, char_by_char(&text[start..]), "{start}");
        }
    }
}
