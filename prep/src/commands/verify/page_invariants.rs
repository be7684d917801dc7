//! The invariants of pages.

use schemas::{CharSlicer, Page};

use super::row_invariants::{RowInvariants, RowProblem};

/// Checks pages: anchors are in order and do not overlap, and between segments there are line feeds only.
#[derive(Debug)]
pub struct PageInvariants;

impl RowInvariants<Page<'static>> for PageInvariants {
    type Slice = Vec<RowProblem>;

    fn check_slice(first_row: u64, pages: Vec<Page<'static>>) -> Self::Slice {
        let mut problems = Vec::new();
        for (number, page) in (first_row..).zip(pages) {
            check_page(&page, &mut |problem| problems.push((number, problem)));
        }
        problems
    }

    fn join(&mut self, slice: Self::Slice, problems: &mut Vec<RowProblem>) -> bool {
        problems.extend(slice);
        true
    }

    fn check_rows(&mut self, first_row: u64, rows: Vec<Page<'static>>, problems: &mut Vec<RowProblem>) {
        problems.extend(Self::check_slice(first_row, rows));
    }

    fn rows_missing(&mut self) {}

    fn check_end(&mut self, _: &mut dyn FnMut(String)) {}
}

fn check_page(page: &Page<'_>, report: &mut dyn FnMut(String)) {
    for pair in page.anchors.windows(2) {
        if pair[1].start < pair[0].end {
            let (next, anchor) = (&pair[1], &pair[0]);
            report(format!("{}: anchor {}..{} begins before {}..{} ends", page.title, next.start, next.end, anchor.start, anchor.end));
        }
    }
    let chars = u32::try_from(page.text.chars().count()).unwrap_or(u32::MAX);
    let mut slicer = CharSlicer::new(&page.text);
    let mut segment_end = 0;
    for (start, end) in page.segments.iter().map(|segment| (segment.start, segment.end)).chain([(chars, chars)]) {
        if slicer.slice(segment_end, start).is_some_and(|between| !between.trim_matches('\n').is_empty()) {
            report(format!("{}: text at {segment_end}..{start} is in no segment", page.title));
        }
        segment_end = end;
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Anchor, Segment, SegmentKind};

    use super::*;

    #[test]
    fn invariants_of_pages() {
        let segment = |start, end| Segment { start, end, kind: SegmentKind::Paragraph, level: 0 };
        let anchor = |start, end| Anchor { start, end, ..Anchor::default() };
        for (text, segments, anchors, expected) in [
            ("", vec![], vec![], ""),
            ("北京\n\nis\n", vec![segment(0, 2), segment(4, 6)], vec![anchor(0, 1), anchor(1, 2)], ""),
            ("abcdef", vec![segment(0, 6)], vec![anchor(0, 2), anchor(1, 3)], "anchor 1..3 begins before 0..2 ends"),
            ("a bc", vec![segment(0, 1), segment(2, 4)], vec![], "text at 1..2 is in no segment"),
            ("abc", vec![segment(0, 2)], vec![], "text at 2..3 is in no segment"),
        ] {
            let mut problems = Vec::new();
            let page = Page { text: text.into(), segments, anchors, ..Page::default() };
            check_page(&page, &mut |problem| problems.push(problem));
            let found = problems.join("; ");
            assert!(if expected.is_empty() { found.is_empty() } else { found.contains(expected) }, "{found:?}, expected {expected:?}");
        }
    }
}
