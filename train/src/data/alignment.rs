//! Spans of chars to spans of word pieces, and the windows of a long context.

use std::ops::Range;

/// First and last word piece that a span of chars touches, and whether the span starts and ends with them. `offsets` are the
/// chars that each word piece covers.
pub fn align(offsets: &[(u32, u32)], (start, end): (u32, u32)) -> Option<((u32, u32), bool)> {
    let first = offsets.partition_point(|chars| chars.1 <= start);
    let past = offsets.partition_point(|chars| chars.0 < end);
    if first >= past {
        return None;
    }
    let exact = offsets[first].0 == start && offsets[past - 1].1 == end;
    Some(((first as u32, past as u32 - 1), exact))
}

/// Windows of at most `room` word pieces over a context of `word_pieces`, each starting half a window after the one before; the
/// last one ends with the context.
pub fn windows(word_pieces: usize, room: usize) -> Vec<Range<usize>> {
    let stride = (room / 2).max(1);
    let mut windows = Vec::new();
    let mut start = 0;
    while start + room < word_pieces {
        windows.push(start..start + room);
        start += stride;
    }
    windows.push(word_pieces.saturating_sub(room).min(start)..word_pieces);
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_all_word_pieces() {
        assert_eq!(windows(10, 10), vec![0..10; 1]);
        assert_eq!(windows(0, 10), vec![0..0; 1]);
        assert_eq!(windows(11, 10), [0..10, 1..11]);
        assert_eq!(windows(23, 10), [0..10, 5..15, 10..20, 13..23]);
        assert_eq!(windows(25, 10), [0..10, 5..15, 10..20, 15..25]);
    }

    /// A context of one-letter words at chars 0, 2, 4, and so on.
    fn letters(count: u32) -> Vec<(u32, u32)> {
        (0..count).map(|at| (2 * at, 2 * at + 1)).collect()
    }

    #[test]
    fn a_span_covers_the_word_pieces_that_it_touches() {
        let context = letters(4);
        assert_eq!(align(&context, (2, 5)), Some(((1, 2), true)));
        assert_eq!(align(&context, (1, 5)), Some(((1, 2), false)), "starts on the space before");
        assert_eq!(align(&context, (2, 6)), Some(((1, 2), false)), "ends after the space behind");
        assert_eq!(align(&context, (0, 7)), Some(((0, 3), true)));
        assert_eq!(align(&context, (1, 2)), None, "a space alone");
        assert_eq!(align(&context, (7, 9)), None, "past the end");
        assert_eq!(align(&letters(0), (0, 1)), None);
    }
}
