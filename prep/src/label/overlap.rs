//! Spans that share chars.

use std::ops::Range;

/// Those of `others` that share a char with `span`. `others` are in order and do not overlap each other.
pub(super) fn overlapping<'o>(span: &Range<u32>, others: &'o [Range<u32>]) -> impl Iterator<Item = &'o Range<u32>> + use<'o> {
    let first = others.partition_point(|other| other.end <= span.start);
    let end = span.end;
    others[first..].iter().take_while(move |other| other.start < end)
}

/// Whether `span` shares a char with one of `others`, which are in order and do not overlap each other.
pub(super) fn overlaps(span: &Range<u32>, others: &[Range<u32>]) -> bool {
    overlapping(span, others).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_touch_do_not_overlap() {
        let others = [2..4, 4..6, 9..12];
        let check = |span: Range<u32>, expected: &[Range<u32>]| {
            assert_eq!(overlapping(&span, &others).cloned().collect::<Vec<_>>(), expected, "{span:?}");
            assert_eq!(overlaps(&span, &others), !expected.is_empty(), "{span:?}");
        };
        check(0..2, &[]);
        check(0..3, &others[..1]);
        check(3..5, &others[..2]);
        check(6..9, &[]);
        check(10..11, &others[2..]);
        check(0..20, &others);
        check(12..20, &[]);
    }
}
