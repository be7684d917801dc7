//! The chars that the pieces of byte-level BPE and of SentencePiece stand for.
//!
//! The library gives each piece the chars of which it holds a byte, white space included. Here each piece has at least one char that is
//! no white space, and a char belongs to the piece that holds its first byte: so the label of a word becomes pieces, and these the word.

/// Corrects the offsets of a text's pieces: half-open, in chars, ascending.
///
/// - White space at the ends of a piece is left out, such as that of `▁Oslo` and `Ġthe`.
/// - A char that two pieces divide belongs to the first, unless the second holds nothing else: then both have it.
/// - Chars behind a piece that no piece holds are its own, such as a combining mark that normalisation joined with its letter.
/// - A piece of nothing but white space has the first char of the next one; at the end of the text, the last char.
///
/// Cost: linear in the text.
pub fn correct(text: &str, offsets: &mut [(u32, u32)]) {
    let is_space_of: Vec<bool> = text.chars().map(char::is_whitespace).collect();
    let is_space = |char: u32| is_space_of.get(char as usize).copied().unwrap_or(true);
    let trim = |(mut start, mut end): (u32, u32)| {
        while start < end && is_space(start) {
            start += 1;
        }
        while start < end && is_space(end - 1) {
            end -= 1;
        }
        (start, end)
    };
    let mut before = (0, 0);
    for offset in offsets.iter_mut() {
        let (start, end) = trim(*offset);
        *offset = if start == end {
            (0, 0)
        } else if end <= before.1 {
            (before.1 - 1, before.1)
        } else {
            trim((start.max(before.1), end))
        };
        if offset.0 < offset.1 {
            before = *offset;
        }
    }
    let with_chars = |offset: &&mut (u32, u32)| offset.0 < offset.1;
    let (mut free_until, mut last) = (is_space_of.len() as u32, (0, 0));
    for offset in offsets.iter_mut().rev().filter(with_chars) {
        while offset.1 < free_until && !is_space(offset.1) {
            offset.1 += 1;
        }
        free_until = offset.0;
        last = last.max((offset.1 - 1, offset.1));
    }
    let mut next = last;
    for offset in offsets.iter_mut().rev() {
        if offset.0 == offset.1 {
            *offset = next;
        } else {
            next = (offset.0, offset.0 + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, offsets: &[(u32, u32)], expected: &[(u32, u32)]) {
        let mut corrected = offsets.to_vec();
        correct(text, &mut corrected);
        assert_eq!(corrected, expected, "{text:?}");
        assert!(corrected.is_sorted_by_key(|offset| offset.0) && corrected.is_sorted_by_key(|offset| offset.1), "{text:?}");
    }

    #[test]
    fn white_space_belongs_to_no_piece() {
        check("Ada in Oslo", &[(0, 3), (3, 6), (6, 11)], &[(0, 3), (4, 6), (7, 11)]);
        check("Ada  \u{3000}Oslo ", &[(0, 3), (3, 10), (10, 11)], &[(0, 3), (6, 10), (9, 10)]);
        // `▁` by itself before a word, and at the end.
        check(" 北京 ", &[(0, 1), (1, 2), (2, 3), (3, 4)], &[(1, 2), (1, 2), (2, 3), (2, 3)]);
        check("  ", &[(0, 2)], &[(0, 0)]);
        check("", &[], &[]);
    }

    #[test]
    fn chars_that_no_piece_holds_belong_to_the_piece_before() {
        check("de\u{301}ja\u{300} vu", &[(0, 1), (1, 5), (6, 7), (7, 9)], &[(0, 1), (1, 6), (7, 8), (7, 9)]);
        check("a\u{301} ", &[(0, 1), (2, 3)], &[(0, 2), (1, 2)]);
        check("a\u{301}\u{301}b", &[(0, 1), (3, 4)], &[(0, 3), (3, 4)]);
        check("a \u{feff}b", &[(0, 1), (3, 4)], &[(0, 1), (3, 4)]);
    }

    #[test]
    fn a_char_belongs_to_the_piece_of_its_first_byte() {
        // Three bytes of one char, each a piece.
        check("京", &[(0, 1), (0, 1), (0, 1)], &[(0, 1), (0, 1), (0, 1)]);
        // A piece that holds the end of one char and the start of the next.
        check("北京", &[(0, 1), (0, 2), (1, 2)], &[(0, 1), (1, 2), (1, 2)]);
        // A piece that holds two chars and the start of a third.
        check("ab京", &[(0, 3), (2, 3)], &[(0, 3), (2, 3)]);
        // The end of a char, and a space and a word behind it.
        check("京 b", &[(0, 1), (0, 3)], &[(0, 1), (2, 3)]);
    }
}
