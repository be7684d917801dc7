//! Chars of a text that normalisation removes, given to the word pieces beside them.
//!
//! BERT's normalisation removes control and format characters, and with lower case all combining marks. No word piece covers them then, so
//! that a span which ends with one, as in `सिन्धु` or a decomposed `Zoë`, could be the answer to nothing that a model says.

/// Extends word pieces over the chars of their words that no word piece covers: a char belongs to the word piece before it, at the start
/// of a word to the one behind it.
///
/// Words end at white space, at zero-width spaces, which divide words of Khmer or Thai, and at byte-order marks. `offsets` are the chars
/// that each word piece covers, ascending. Cost: linear in the text, unless it is ASCII.
pub fn cover_words(text: &str, offsets: &mut [(u32, u32)]) {
    if offsets.is_empty() || text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        return;
    }
    let mut chars = text.chars().zip(0u32..).peekable();
    let mut next = 0;
    let mut end = 0;
    loop {
        // The uncovered chars from the end of the word pieces before up to the start of the next one.
        let start_of_next = offsets.get(next).map_or(u32::MAX, |piece| piece.0);
        let mut run: Option<u32> = None;
        while let Some((char, at)) = chars.next_if(|(_, at)| *at < start_of_next) {
            if is_separator(char) {
                end_run(&mut offsets[..next], end, run.take(), at);
            } else if at >= end {
                run.get_or_insert(at);
            }
        }
        match run {
            // A run that reaches from one word piece to the next belongs to the first.
            Some(start) if next > 0 && start == end => {
                end_run(&mut offsets[..next], end, run, start_of_next.min(chars_end(text, start_of_next)))
            }
            Some(start) => offsets[next..].iter_mut().take_while(|piece| piece.0 == start_of_next).for_each(|piece| piece.0 = start),
            None => {}
        }
        if next == offsets.len() {
            return;
        }
        end = end.max(offsets[next].1);
        next += 1;
        while chars.next_if(|(_, at)| *at < end).is_some() {}
    }
}

/// Extends the word pieces that end at `end` over a run of chars that begins there.
fn end_run(before: &mut [(u32, u32)], end: u32, run: Option<u32>, run_end: u32) {
    if run == Some(end) {
        before.iter_mut().rev().take_while(|piece| piece.1 == end).for_each(|piece| piece.1 = run_end);
    }
}

/// The start of the next word piece, or where there is none, the number of chars of the text.
fn chars_end(text: &str, start_of_next: u32) -> u32 {
    if start_of_next == u32::MAX { text.chars().count() as u32 } else { start_of_next }
}

/// Whether a char is part of no word.
fn is_separator(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{200b}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, offsets: &[(u32, u32)], expected: &[(u32, u32)]) {
        let mut found = offsets.to_vec();
        cover_words(text, &mut found);
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn removed_chars_belong_to_the_word_piece_before() {
        check("ab cd", &[(0, 2), (3, 5)], &[(0, 2), (3, 5)]);
        check("e\u{301}te\u{301} a", &[(0, 1), (2, 4), (6, 7)], &[(0, 2), (2, 5), (6, 7)]);
        check("Zoe\u{308}", &[(0, 3)], &[(0, 4)]);
        check("Zoe\u{308} \u{200d}", &[(0, 3)], &[(0, 4)]);
        check("中\u{fe00}国", &[(0, 1), (2, 3)], &[(0, 2), (2, 3)]);
        // Several word pieces on one char.
        check("각\u{301} 하", &[(0, 1), (0, 1), (3, 4), (3, 4)], &[(0, 2), (0, 2), (3, 4), (3, 4)]);
    }

    #[test]
    fn removed_chars_at_the_start_of_a_word_belong_to_the_one_behind() {
        check("\u{200f}דוד a", &[(1, 4), (5, 6)], &[(0, 4), (5, 6)]);
        check("a \u{200f}\u{301}דד", &[(0, 1), (4, 5), (5, 6)], &[(0, 1), (2, 5), (5, 6)]);
        check("é \u{301} b", &[(0, 1), (4, 5)], &[(0, 1), (4, 5)]);
    }

    #[test]
    fn what_divides_words_belongs_to_none() {
        check("ខ្មែរ\u{200b}ភាសា", &[(0, 5), (6, 10)], &[(0, 5), (6, 10)]);
        check("\u{feff}Ada\u{a0}", &[(1, 4)], &[(1, 4)]);
        check("\u{301}", &[], &[]);
    }
}
