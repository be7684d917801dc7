//! Slices of texts by char offsets.
//!
//! Every span on disk counts chars (Unicode scalar values); Rust slices strings by bytes. This module converts.

use std::ops::Range;

/// The slice `[start, end)` of `text`, in chars; `None` where it is empty or reaches outside the text.
///
/// Cost: one walk over the text up to `end`. For many slices of one text use [`CharSlicer`].
///
/// ```
/// assert_eq!(schemas::char_slice("Győr és Pécs", 8, 12), Some("Pécs"));
/// assert_eq!(schemas::char_slice("Győr és Pécs", 8, 13), None);
/// ```
pub fn char_slice(text: &str, start: u32, end: u32) -> Option<&str> {
    CharSlicer::new(text).slice(start, end)
}

/// Slices one text many times by char offsets.
///
/// Cost: slices in ascending order take one walk over the text together; a slice before the last one starts anew. ASCII
/// texts are sliced without a walk.
pub struct CharSlicer<'a> {
    text: &'a str,
    ascii: bool,
    /// Start and end of the last slice, each as (chars, bytes).
    last: [(u32, usize); 2],
}

impl<'a> CharSlicer<'a> {
    /// A slicer of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, ascii: text.is_ascii(), last: [(0, 0); 2] }
    }

    /// A slicer of a text whose number of chars is known; saves the search for non-ASCII bytes.
    pub fn with_char_count(text: &'a str, chars: u32) -> Self {
        Self { text, ascii: text.len() == chars as usize, last: [(0, 0); 2] }
    }

    /// The slice `[start, end)`, in chars; `None` where it is empty or reaches outside the text.
    pub fn slice(&mut self, start: u32, end: u32) -> Option<&'a str> {
        self.byte_range(start, end).map(|bytes| &self.text[bytes])
    }

    /// The byte range of that slice.
    pub fn byte_range(&mut self, start: u32, end: u32) -> Option<Range<usize>> {
        if start >= end {
            return None;
        }
        if self.ascii {
            return (end as usize <= self.text.len()).then_some(start as usize..end as usize);
        }
        let nearest = self.last.into_iter().rev().find(|&(chars, _)| chars <= start).unwrap_or_default();
        let slice_start = self.advance(nearest, start)?;
        let slice_end = self.advance(slice_start, end)?;
        self.last = [slice_start, slice_end];
        Some(slice_start.1..slice_end.1)
    }

    fn advance(&self, (chars, bytes): (u32, usize), to: u32) -> Option<(u32, usize)> {
        Some((to, bytes + byte_offset(&self.text[bytes..], to - chars)?))
    }
}

/// Byte offset of the `chars`-th char of `text`; the text's length for one past the last.
fn byte_offset(text: &str, chars: u32) -> Option<usize> {
    /// A byte that starts a char: any but a UTF-8 continuation byte (0x80 to 0xBF).
    fn starts_char(byte: u8) -> bool {
        byte as i8 >= -0x40
    }
    /// Skips whole blocks of `N` bytes while all chars that start in them come before the one searched for. Written so that
    /// the compiler vectorises the count.
    fn skip_blocks<const N: usize>(rest: &mut &[u8], chars: &mut usize) {
        while let Some((block, after)) = rest.split_first_chunk::<N>()
            && let started = block.iter().map(|&byte| u8::from(starts_char(byte))).sum::<u8>()
            && let Some(left) = chars.checked_sub(usize::from(started))
        {
            (*rest, *chars) = (after, left);
        }
    }
    let (mut rest, mut chars) = (text.as_bytes(), chars as usize);
    skip_blocks::<32>(&mut rest, &mut chars);
    skip_blocks::<8>(&mut rest, &mut chars);
    let skipped = text.len() - rest.len();
    for (byte, _) in rest.iter().enumerate().filter(|&(_, &byte)| starts_char(byte)) {
        if chars == 0 {
            return Some(skipped + byte);
        }
        chars -= 1;
    }
    (chars == 0).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slices_by_chars() {
        let mut text = CharSlicer::new("北京 is 大");
        assert_eq!(text.slice(0, 2), Some("北京"));
        assert_eq!(text.slice(3, 5), Some("is"));
        assert_eq!(text.slice(6, 7), Some("大"));
        assert_eq!(text.slice(1, 2), Some("京"), "going back is allowed");
        assert_eq!(text.slice(1, 4), Some("京 i"), "from the same start");
        assert_eq!(text.slice(2, 3), Some(" "), "from within");
        assert_eq!(CharSlicer::with_char_count("北京", 2).byte_range(1, 2), Some(3..6));
        assert_eq!(text.slice(6, 8), None, "past the end");
        assert_eq!(text.slice(2, 2), None, "empty");
        assert_eq!(char_slice("abc", 1, 3), Some("bc"));
        assert_eq!(char_slice("abc", 1, 4), None);
    }

    proptest! {
        #[test]
        fn slices_equal_those_of_a_char_array(text in "\\PC{0,90}", cuts in proptest::collection::vec((0usize..100, 0usize..100), 1..6)) {
            let chars: Vec<char> = text.chars().collect();
            let mut slicer = CharSlicer::new(&text);
            for (start, end) in cuts {
                let expected = chars.get(start..end).filter(|slice| !slice.is_empty()).map(|slice| slice.iter().collect::<String>());
                prop_assert_eq!(slicer.slice(start as u32, end as u32).map(str::to_owned), expected);
            }
        }
    }
}
