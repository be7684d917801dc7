//! Splits the prose of a page into sentences.

use std::ops::Range;

use schemas::{Anchor, CharSlicer, Segment};

use super::boundary_finder::BoundaryFinder;
use super::boundary_scanner::BoundaryScanner;
use super::language_rules::LanguageRules;
use super::names::Names;

/// The sentences of the prose of a page (paragraphs, list items and captions), as char ranges without white space at either end.
///
/// `anchors` are the links of the page, ascending and without overlaps: no sentence ends inside of one, nor after one that ends in a terminator
/// unless the next word begins a sentence. A language without rules is split like English. A line feed, which the segments of a page do not
/// contain, ends a sentence. Takes time linear in the length of the text.
///
/// ```
/// use prep::sentence::split_page;
/// use schemas::{Segment, SegmentKind};
///
/// let text = "Dr. Ada came. She left.";
/// let segment = Segment { start: 0, end: 23, kind: SegmentKind::Paragraph, level: 0 };
/// assert_eq!(split_page("en", text, &[segment], &[]), [0..13, 14..23]);
/// ```
pub fn split_page(lang: &str, text: &str, segments: &[Segment], anchors: &[Anchor<'_>]) -> Vec<Range<u32>> {
    let mut splitter = SentenceSplitter::new(lang);
    let mut names = Names::new(text, anchors);
    let mut slicer = CharSlicer::new(text);
    let mut out = Vec::new();
    for segment in segments.iter().filter(|segment| segment.kind.is_prose()) {
        if let Some(block) = slicer.slice(segment.start, segment.end) {
            let mut first = segment.start;
            for line in block.split('\n') {
                let from = out.len();
                first = splitter.split(line, first, &mut out) + 1;
                names.join(&splitter.rules, &mut out, from);
            }
        }
    }
    out
}

/// Splits texts of one language into sentences.
struct SentenceSplitter {
    rules: LanguageRules,
    /// Finds the boundaries of ordinary texts.
    scanner: BoundaryScanner,
    /// Finds the boundaries of all others.
    finder: BoundaryFinder,
    /// Sentence boundaries of the current text in bytes, ascending.
    boundaries: Vec<usize>,
}

impl SentenceSplitter {
    fn new(lang: &str) -> Self {
        let (scanner, finder) = (BoundaryScanner::default(), BoundaryFinder::default());
        Self { rules: LanguageRules::new(lang), scanner, finder, boundaries: Vec::new() }
    }

    /// Appends the sentences of a line that begins at char `first` of the page. Returns where it ends.
    fn split(&mut self, text: &str, first: u32, out: &mut Vec<Range<u32>>) -> u32 {
        self.find_boundaries(text);
        let text = Text { text, is_ascii: text.is_ascii() };
        let (mut start, mut char) = (0, first);
        for boundary in self.boundaries.iter().copied().chain([text.text.len()]) {
            let end = text.after_closing_quotes(boundary);
            let Some(whole) = text.text.get(start..end) else { continue };
            start = end;
            let rest = whole.trim_start();
            let sentence = rest.trim_end();
            let from = char + text.chars(&whole[..whole.len() - rest.len()]);
            let to = from + text.chars(sentence);
            char = to + text.chars(&rest[sentence.len()..]);
            out.extend((!sentence.is_empty()).then_some(from..to));
        }
        char
    }

    /// Finds the boundaries inside a text.
    fn find_boundaries(&mut self, text: &str) {
        let text = &*self.rules.without_inner_quote_marks(text);
        if self.scanner.find_boundaries(&self.rules, text, &mut self.boundaries) {
            return;
        }
        self.boundaries.clear();
        if !is_single_sentence(text) {
            self.finder.find_boundaries(&self.rules, text, &mut self.boundaries);
        }
        self.rules.boundaries_at_spaces(text, &mut self.boundaries);
    }
}

/// A text, and whether it is ASCII, so that bytes are chars.
#[derive(Clone, Copy)]
struct Text<'a> {
    text: &'a str,
    is_ascii: bool,
}

impl Text<'_> {
    /// Number of chars of a part of the text.
    fn chars(self, part: &str) -> u32 {
        let count = if self.is_ascii { part.len() } else { part.chars().count() };
        u32::try_from(count).expect("a page is under 4 GiB")
    }

    /// The boundary after the closing quotes and brackets that follow it, which belong to the sentence before.
    fn after_closing_quotes(self, boundary: usize) -> usize {
        if self.is_ascii {
            return boundary;
        }
        let rest = &self.text[boundary..];
        self.text.len() - rest.trim_start_matches(['”', '’', '」', '』', '）', '》', '】']).len()
    }
}

/// Whether a text contains nothing at which `sentencex` could split it in any language: no terminator before its end, and no bracket of a
/// list number. This holds for half of all blocks and is much cheaper than splitting.
fn is_single_sentence(text: &str) -> bool {
    // Chars from U+0540 on, Armenian and the scripts after it, begin with bytes from 0xd5 on.
    let may_split = |byte: &u8| matches!(byte, b'.' | b'!' | b'?' | b';' | b':' | b')' | b'\n') || *byte >= 0xd5;
    let text = text.trim_end_matches(['.', '!', '?']);
    !text.as_bytes().iter().any(may_split)
}

#[cfg(test)]
mod tests {
    use schemas::SegmentKind;

    use super::*;

    fn check(lang: &str, text: &str, expected: &[&str]) {
        let chars: Vec<char> = text.chars().collect();
        let segment = Segment { start: 0, end: chars.len() as u32, kind: SegmentKind::Paragraph, level: 0 };
        let sentences = split_page(lang, text, &[segment], &[]);
        let found: Vec<String> = sentences.iter().map(|range| chars[range.start as usize..range.end as usize].iter().collect()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn sentences_are_split() {
        check("en", "Dr. Smith came. He left at 5 p.m. today.", &["Dr. Smith came.", "He left at 5 p.m. today."]);
        check("zh", "他说：“好。”然后走了。真的吗？是！", &["他说：“好。”", "然后走了。", "真的吗？", "是！"]);
        check("zh", "我來了。」他說「走吧！」", &["我來了。」", "他說「走吧！」"]);
        check("zh", "文明。14世纪（见上。3）后，《甲。2》。乙", &["文明。", "14世纪（见上。3）后，《甲。2》。", "乙"]);
        check("en", "", &[]);
    }

    #[test]
    fn sentencex_does_not_split_single_sentences() {
        for lang in ["en", "de", "el", "hy", "ru", "kk", "zh", "ja", "fr", "xx"] {
            for text in
                ["Mr", "A list item", "* a - b", "1 The first", "café “x", "I am. . .", "What?!", "Кто", "a \"b\" 'c' (d", "Yes!", "", "x."]
            {
                let whole = sentencex::get_sentence_boundaries(lang, text).len() <= 1;
                assert!(whole || !is_single_sentence(text), "{lang} {text}");
            }
        }
        assert!(is_single_sentence("A list item") && is_single_sentence("Well, it ends.") && is_single_sentence("Ödön and Žofia"));
        assert!(
            !is_single_sentence("One. Two")
                && !is_single_sentence("a) b")
                && !is_single_sentence("是。否")
                && !is_single_sentence("Այո։ Ոչ")
                && !is_single_sentence("Ναι; Οχι")
        );
    }
}
