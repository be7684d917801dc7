//! A page read segment by segment, each with its text, anchors and sentences.

use std::ops::Range;

use crate::anchor::Anchor;
use crate::offsets::CharSlicer;
use crate::row::RowError;
use crate::segment::Segment;

/// A segment of a page with its text, anchors and sentences.
#[derive(Debug)]
pub struct SegmentView<'p> {
    /// Its offsets and kind.
    pub segment: Segment,
    /// Its text.
    pub text: &'p str,
    /// The anchors that lie in it; offsets count from the start of the page.
    pub anchors: &'p [Anchor<'p>],
    /// The sentences that lie in it; offsets count from the start of the page.
    sentences: &'p [Range<u32>],
    /// Title of the page, for errors.
    title: &'p str,
}

/// Offsets of a sentence, from the start of its segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentenceRange {
    /// In bytes.
    pub bytes: Range<usize>,
    /// In chars.
    pub chars: Range<u32>,
}

impl<'p> SegmentView<'p> {
    /// The anchors, each with its chars counted from the start of the segment.
    pub fn anchor_ranges(&self) -> impl Iterator<Item = (&'p Anchor<'p>, Range<u32>)> + use<'p> {
        let start = self.segment.start;
        self.anchors.iter().map(move |anchor| (anchor, anchor.start - start..anchor.end - start))
    }

    /// The sentences in order; none where the segment is not prose. Only white space lies between them.
    ///
    /// # Errors
    /// [`RowError::OutOfPlace`] for a sentence that starts before the end of the one before it, and
    /// [`RowError::ProseOutsideSentence`]. Iteration ends after an error.
    pub fn sentences(&self) -> impl Iterator<Item = Result<SentenceRange, RowError>> + use<'p> {
        let Segment { start: segment_start, end: segment_end, kind, .. } = self.segment;
        let (text, page, mut sentences) = (self.text, self.title, self.sentences.iter());
        let mut slicer = CharSlicer::with_char_count(text, segment_end - segment_start);
        let mut previous = SentenceRange { bytes: 0..0, chars: 0..0 };
        let mut ended = !kind.is_prose();
        std::iter::from_fn(move || {
            if ended {
                return None;
            }
            // After the last sentence, an empty one at the end of the segment: the rest of the text is checked by it.
            let Range { start, end } = sentences.next().cloned().unwrap_or_else(|| {
                ended = true;
                segment_end..segment_end
            });
            let chars = start.saturating_sub(segment_start)..end.saturating_sub(segment_start);
            let bytes = if ended { Some(text.len()..text.len()) } else { slicer.byte_range(chars.start, chars.end) };
            let Some(bytes) = bytes.filter(|bytes| start >= segment_start && bytes.start >= previous.bytes.end) else {
                ended = true;
                let (page, allowed_start) = (page.to_owned(), segment_start + previous.chars.end);
                return Some(Err(RowError::OutOfPlace { page, item: "sentence", start, end, allowed_start, allowed_end: segment_end }));
            };
            if !text[previous.bytes.end..bytes.start].trim().is_empty() {
                ended = true;
                let (start, end) = (segment_start + previous.chars.end, segment_start + chars.start);
                return Some(Err(RowError::ProseOutsideSentence { page: page.to_owned(), start, end }));
            }
            previous = SentenceRange { bytes, chars };
            (!ended).then(|| Ok(previous.clone()))
        })
    }
}

/// The segments of a page in order, each with what lies in it; see [`Page::segment_views`](crate::Page::segment_views).
pub struct SegmentViews<'p> {
    title: &'p str,
    text: &'p str,
    slicer: CharSlicer<'p>,
    segments: std::slice::Iter<'p, Segment>,
    /// Anchors and sentences of the segments to come.
    anchors: &'p [Anchor<'p>],
    sentences: &'p [Range<u32>],
    /// End of the segment before.
    previous_end: u32,
}

impl<'p> SegmentViews<'p> {
    pub(crate) fn new(
        title: &'p str,
        text: &'p str,
        segments: &'p [Segment],
        anchors: &'p [Anchor<'p>],
        sentences: &'p [Range<u32>],
    ) -> Self {
        Self { title, text, slicer: CharSlicer::new(text), segments: segments.iter(), anchors, sentences, previous_end: 0 }
    }

    fn view(&mut self, segment: Segment) -> Result<SegmentView<'p>, RowError> {
        let Segment { start, end, kind, .. } = segment;
        let slice = self.slicer.slice(start, end).filter(|_| start >= self.previous_end);
        let Some(text) = slice else {
            let chars = u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX);
            return Err(self.out_of_place("segment", start..end, self.previous_end..chars));
        };
        let anchors = split_off_while(&mut self.anchors, |anchor| anchor.end <= end);
        if let Some(anchor) = anchors.iter().find(|anchor| anchor.start < start || anchor.start >= anchor.end) {
            return Err(self.out_of_place("anchor", anchor.start..anchor.end, start..end));
        }
        let sentences = split_off_while(&mut self.sentences, |sentence| kind.is_prose() && sentence.end <= end);
        self.previous_end = end;
        Ok(SegmentView { segment, text, anchors, sentences, title: self.title })
    }

    /// An error for the first anchor or sentence that lies in no segment.
    fn leftover(&self) -> Option<RowError> {
        let anchor = self.anchors.first().map(|anchor| ("anchor", anchor.start..anchor.end));
        let (item, range) = anchor.or_else(|| self.sentences.first().map(|sentence| ("sentence", sentence.clone())))?;
        Some(self.out_of_place(item, range, 0..self.previous_end))
    }

    fn out_of_place(&self, item: &'static str, range: Range<u32>, allowed: Range<u32>) -> RowError {
        let Range { start, end } = range;
        let Range { start: allowed_start, end: allowed_end } = allowed;
        RowError::OutOfPlace { page: self.title.to_owned(), item, start, end, allowed_start, allowed_end }
    }
}

impl<'p> Iterator for SegmentViews<'p> {
    type Item = Result<SegmentView<'p>, RowError>;

    /// The next segment. After an error the items have no meaning.
    fn next(&mut self) -> Option<Self::Item> {
        match self.segments.next() {
            Some(segment) => Some(self.view(*segment)),
            None => self.leftover().map(|error| {
                (self.anchors, self.sentences) = (&[], &[]);
                Err(error)
            }),
        }
    }
}

/// Splits off the first items for which `holds` is true. A walk, not a binary search: a segment has few items, a page many.
fn split_off_while<'i, T>(items: &mut &'i [T], holds: impl FnMut(&&T) -> bool) -> &'i [T] {
    let (first, rest) = items.split_at(items.iter().take_while(holds).count());
    *items = rest;
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::SegmentKind;

    /// The texts of the sentences, or the first error.
    fn sentences(text: &str, segments: &[Segment], anchors: &[(u32, u32)], sentences: &[(u32, u32)]) -> Result<Vec<String>, String> {
        let anchors: Vec<Anchor<'_>> = anchors.iter().map(|&(start, end)| Anchor { start, end, ..Anchor::default() }).collect();
        let sentences: Vec<Range<u32>> = sentences.iter().map(|&(start, end)| start..end).collect();
        let mut texts = Vec::new();
        for segment in SegmentViews::new("T", text, segments, &anchors, &sentences) {
            let segment = segment.map_err(|error| error.to_string())?;
            for sentence in segment.sentences() {
                let sentence = sentence.map_err(|error| error.to_string())?;
                let chars: Vec<char> = segment.text.chars().collect();
                let by_chars: String = chars[sentence.chars.start as usize..sentence.chars.end as usize].iter().collect();
                assert_eq!(segment.text[sentence.bytes], by_chars);
                texts.push(by_chars);
            }
        }
        Ok(texts)
    }

    #[test]
    fn sentences_are_read_and_overlaps_and_gaps_are_errors() {
        let text = "Ödön\nBőr is. It was.\na";
        let kinds = [(0, 4, SegmentKind::Heading), (5, 20, SegmentKind::Paragraph), (21, 22, SegmentKind::Table)];
        let segments = kinds.map(|(start, end, kind)| Segment { start, end, kind, level: 0 });
        assert_eq!(sentences(text, &segments, &[(0, 4), (5, 8)], &[(5, 12), (13, 20)]).unwrap(), ["Bőr is.", "It was."]);
        assert_eq!(sentences(text, &segments, &[], &[(5, 20)]).unwrap(), ["Bőr is. It was."]);
        let past = [Segment { end: 23, ..segments[1] }];
        let empty = [segments[0], Segment { end: 5, ..segments[1] }];
        let both = [segments[0], Segment { start: 3, ..segments[1] }];
        for (segments, anchors, sentence_ranges, expected) in [
            (&past[..], &[][..], &[][..], "page T: segment 5..23 must lie within 0..22"),
            (&both, &[], &[], "page T: segment 3..20 must lie within 4..22"),
            (&empty, &[], &[], "page T: segment 5..5 must lie within 4..22"),
            (&segments, &[(3, 6)], &[(5, 20)], "page T: anchor 3..6 must lie within 5..20"),
            (&segments, &[(8, 8)], &[(5, 20)], "page T: anchor 8..8 must lie within 5..20"),
            (&segments, &[(22, 23)], &[(5, 20)], "page T: anchor 22..23 must lie within 0..22"),
            (&segments, &[], &[(5, 12)], "page T: prose at 12..20 lies in no sentence"),
            (&segments, &[], &[(8, 20)], "page T: prose at 5..8 lies in no sentence"),
            (&segments, &[], &[], "page T: prose at 5..20 lies in no sentence"),
            (&segments, &[], &[(5, 12), (10, 20)], "page T: sentence 10..20 must lie within 12..20"),
            (&segments, &[], &[(13, 20), (5, 12)], "page T: prose at 5..13 lies in no sentence"),
            (&segments, &[], &[(5, 12), (12, 12), (13, 20)], "page T: sentence 12..12 must lie within 12..20"),
            (&segments, &[], &[(0, 4), (5, 20)], "page T: sentence 0..4 must lie within 5..20"),
            (&segments, &[], &[(5, 20), (21, 22)], "page T: sentence 21..22 must lie within 0..22"),
            (&segments, &[], &[(5, 22)], "page T: prose at 5..20 lies in no sentence"),
        ] {
            assert_eq!(sentences(text, segments, anchors, sentence_ranges).unwrap_err(), expected);
        }
    }
}
