//! A page segment by segment, each with what lies in it.

use std::ops::Range;

use crate::page::{Anchor, Page, Segment};
use crate::row::{CharSlicer, RowError};

/// A segment of a page.
#[derive(Debug)]
pub struct Block<'p> {
    /// Which.
    pub segment: Segment,
    /// Its text.
    pub text: &'p str,
    /// The anchors in it, by offset in the page.
    pub anchors: &'p [Anchor<'p>],
    /// The sentences in it, by offset in the page.
    sentences: &'p [Range<u32>],
    title: &'p str,
}

/// A sentence of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Where it lies in the block, in bytes.
    pub bytes: Range<usize>,
    /// The same in chars.
    pub chars: Range<u32>,
}

impl<'p> Block<'p> {
    /// The anchors, each with where it lies in the block, in chars.
    pub fn anchors(&self) -> impl Iterator<Item = (&'p Anchor<'p>, Range<u32>)> + use<'p> {
        let start = self.segment.start;
        self.anchors.iter().map(move |anchor| (anchor, anchor.start - start..anchor.end - start))
    }

    /// The sentences; none of what is no prose. All prose but white space lies in one.
    ///
    /// # Errors
    /// A sentence that begins before the end of another one, and prose that is in none; nothing comes after it.
    pub fn sentences(&self) -> impl Iterator<Item = Result<Sentence, RowError>> + use<'p> {
        let Segment { start: from, end: until, kind, .. } = self.segment;
        let (text, page, mut sentences) = (self.text, self.title, self.sentences.iter());
        let mut slicer = CharSlicer::of_chars(text, until - from);
        let mut before = Sentence { bytes: 0..0, chars: 0..0 };
        let mut ended = !kind.is_prose();
        std::iter::from_fn(move || {
            if ended {
                return None;
            }
            let Range { start, end } = sentences.next().cloned().unwrap_or_else(|| {
                ended = true;
                until..until
            });
            let chars = start.saturating_sub(from)..end.saturating_sub(from);
            let found = if ended { Some(text.len()..text.len()) } else { slicer.bytes(chars.start, chars.end) };
            let Some(bytes) = found.filter(|bytes| start >= from && bytes.start >= before.bytes.end) else {
                ended = true;
                let from = from + before.chars.end;
                return Some(Err(RowError::Part { page: page.to_owned(), part: "sentence", start, end, from, until }));
            };
            if !text[before.bytes.end..bytes.start].trim().is_empty() {
                ended = true;
                let (start, end) = (from + before.chars.end, from + chars.start);
                return Some(Err(RowError::NoSentence { page: page.to_owned(), start, end }));
            }
            before = Sentence { bytes, chars };
            (!ended).then(|| Ok(before.clone()))
        })
    }
}

/// The blocks of a page, in order.
pub struct Blocks<'p> {
    page: &'p Page<'p>,
    slicer: CharSlicer<'p>,
    segments: std::slice::Iter<'p, Segment>,
    anchors: &'p [Anchor<'p>],
    sentences: &'p [Range<u32>],
    /// Where the last one ended.
    end: u32,
}

impl<'p> Blocks<'p> {
    pub(crate) fn new(page: &'p Page<'p>) -> Self {
        let slicer = CharSlicer::new(&page.text);
        Self { page, slicer, segments: page.segments.iter(), anchors: &page.anchors, sentences: &page.sentences, end: 0 }
    }

    fn block(&mut self, segment: Segment) -> Result<Block<'p>, RowError> {
        let Segment { start, end, kind, .. } = segment;
        let error = |part, start, end, from, until| {
            let page = self.page.title.clone().into_owned();
            Err(RowError::Part { page, part, start, end, from, until })
        };
        let found = self.slicer.slice(start, end).filter(|_| start >= self.end);
        let Some(text) = found else {
            let chars = u32::try_from(self.page.text.chars().count()).unwrap_or(u32::MAX);
            return error("segment", start, end, self.end, chars);
        };
        let anchors = taken(&mut self.anchors, |anchor| anchor.end <= end);
        if let Some(anchor) = anchors.iter().find(|anchor| anchor.start < start || anchor.start >= anchor.end) {
            return error("anchor", anchor.start, anchor.end, start, end);
        }
        let sentences = taken(&mut self.sentences, |sentence| kind.is_prose() && sentence.end <= end);
        self.end = end;
        Ok(Block { segment, text, anchors, sentences, title: &self.page.title })
    }

    /// An anchor or a sentence that lies in no segment.
    fn left(&self) -> Option<RowError> {
        let anchor = self.anchors.first().map(|anchor| ("anchor", anchor.start, anchor.end));
        let sentence = || self.sentences.first().map(|sentence| ("sentence", sentence.start, sentence.end));
        let (part, start, end) = anchor.or_else(sentence)?;
        Some(RowError::Part { page: self.page.title.clone().into_owned(), part, start, end, from: 0, until: self.end })
    }
}

impl<'p> Iterator for Blocks<'p> {
    type Item = Result<Block<'p>, RowError>;

    /// The next one. An error where something does not lie where it may; what comes after it has no meaning.
    fn next(&mut self) -> Option<Self::Item> {
        match self.segments.next() {
            Some(segment) => Some(self.block(*segment)),
            None => self.left().map(|error| {
                (self.anchors, self.sentences) = (&[], &[]);
                Err(error)
            }),
        }
    }
}

/// Takes the first items for which something holds. Few are in a block, many on a page.
fn taken<'i, T>(items: &mut &'i [T], holds: impl FnMut(&&T) -> bool) -> &'i [T] {
    let (taken, rest) = items.split_at(items.iter().take_while(holds).count());
    *items = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::SegmentKind;

    /// What blocks and sentences say, or the first thing that is wrong.
    fn read(page: &Page<'_>) -> Result<Vec<String>, String> {
        let mut texts = Vec::new();
        for block in page.blocks() {
            let block = block.map_err(|error| error.to_string())?;
            for sentence in block.sentences() {
                let sentence = sentence.map_err(|error| error.to_string())?;
                let chars: Vec<char> = block.text.chars().collect();
                let by_chars: String = chars[sentence.chars.start as usize..sentence.chars.end as usize].iter().collect();
                assert_eq!(block.text[sentence.bytes], by_chars);
                texts.push(by_chars);
            }
        }
        Ok(texts)
    }

    #[test]
    fn sentences_and_what_does_not_lie_where_it_may() {
        let text = "Ödön\nBőr is. It was.\na";
        let kinds = [(0, 4, SegmentKind::Heading), (5, 20, SegmentKind::Paragraph), (21, 22, SegmentKind::Table)];
        let segments = kinds.map(|(start, end, kind)| Segment { start, end, kind, level: 0 });
        let page = |segments: &[Segment], anchors: &[(u32, u32)], sentences: &[(u32, u32)]| Page {
            title: "T".into(),
            text: text.into(),
            segments: segments.to_vec(),
            anchors: anchors.iter().map(|&(start, end)| Anchor { start, end, ..Anchor::default() }).collect(),
            sentences: sentences.iter().map(|&(start, end)| start..end).collect(),
            ..Page::default()
        };
        assert_eq!(read(&page(&segments, &[(0, 4), (5, 8)], &[(5, 12), (13, 20)])).unwrap(), ["Bőr is.", "It was."]);
        assert_eq!(read(&page(&segments, &[], &[(5, 20)])).unwrap(), ["Bőr is. It was."]);
        let past = [Segment { end: 23, ..segments[1] }];
        let empty = [segments[0], Segment { end: 5, ..segments[1] }];
        let both = [segments[0], Segment { start: 3, ..segments[1] }];
        for (segments, anchors, sentences, expected) in [
            (&past[..], &[][..], &[][..], "T: segment 5..23 does not lie within 0..22, where the next one may"),
            (&both, &[], &[], "T: segment 3..20 does not lie within 4..22, where the next one may"),
            (&empty, &[], &[], "T: segment 5..5 does not lie within 4..22"),
            (&segments, &[(3, 6)], &[(5, 20)], "T: anchor 3..6 does not lie within 5..20"),
            (&segments, &[(8, 8)], &[(5, 20)], "T: anchor 8..8 does not lie within 5..20"),
            (&segments, &[(22, 23)], &[(5, 20)], "T: anchor 22..23 does not lie within 0..22"),
            (&segments, &[], &[(5, 12)], "T: prose at 12..20 is in no sentence"),
            (&segments, &[], &[(8, 20)], "T: prose at 5..8 is in no sentence"),
            (&segments, &[], &[], "T: prose at 5..20 is in no sentence"),
            (&segments, &[], &[(5, 12), (10, 20)], "T: sentence 10..20 does not lie within 12..20"),
            (&segments, &[], &[(13, 20), (5, 12)], "T: prose at 5..13 is in no sentence"),
            (&segments, &[], &[(5, 12), (12, 12), (13, 20)], "T: sentence 12..12 does not lie within 12..20"),
            (&segments, &[], &[(0, 4), (5, 20)], "T: sentence 0..4 does not lie within 5..20"),
            (&segments, &[], &[(5, 20), (21, 22)], "T: sentence 21..22 does not lie within 0..22"),
            (&segments, &[], &[(5, 22)], "T: prose at 5..20 is in no sentence"),
        ] {
            let error = read(&page(segments, anchors, sentences)).unwrap_err();
            assert!(error.starts_with(expected), "{error:?}, expected {expected:?}");
        }
    }
}
