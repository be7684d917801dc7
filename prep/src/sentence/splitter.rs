//! Text to sentences. The boundaries are those of `sentencex`; what is added here keeps answers and limits whole.

mod quick;

use std::ops::Range;

use schemas::{CharSlicer, RowError};
use schemas::{Segment, SentenceRange};
use sentencex::languages::Language;

/// Where sentences lie in the prose of a page, in chars, without white space at either end.
pub fn of_page(lang: &str, text: &str, segments: &[Segment]) -> Vec<Range<u32>> {
    let mut splitter = Splitter::new(lang);
    let mut slicer = CharSlicer::new(text);
    let mut out = Vec::new();
    for segment in segments.iter().filter(|segment| segment.kind.is_prose()) {
        if let Some(block) = slicer.slice(segment.start, segment.end) {
            splitter.split(block, segment.start, &mut out);
        }
    }
    out
}

/// The sentences of a block as they are asked about.
///
/// A boundary inside one of `spans` (chars; ascending, not overlapping) is no boundary. Sentences longer than `max_chars` are split
/// between clauses or else between words, never inside a span; one that has no such place stays long.
///
/// # Errors
/// The first of the block's own.
pub fn whole(
    text: &str,
    sentences: impl Iterator<Item = Result<SentenceRange, RowError>>,
    spans: &[Range<u32>],
    max_chars: usize,
) -> Result<Vec<SentenceRange>, RowError> {
    let inside = |at: u32| {
        let next = spans.partition_point(|span| span.end <= at);
        spans.get(next).is_some_and(|span| span.start < at)
    };
    let mut out = Vec::new();
    let mut open: Option<SentenceRange> = None;
    for sentence in sentences {
        let sentence = sentence?;
        match &mut open {
            Some(before) if inside(sentence.chars.start) => {
                (before.bytes.end, before.chars.end) = (sentence.bytes.end, sentence.chars.end);
            }
            _ => {
                if let Some(before) = open.replace(sentence) {
                    shorten(text, before, max_chars, &inside, &mut out);
                }
            }
        }
    }
    if let Some(last) = open {
        shorten(text, last, max_chars, &inside, &mut out);
    }
    Ok(out)
}

/// Splits texts of one language.
struct Splitter {
    language: Box<dyn Language>,
    /// Whether [`quick`] knows how the language ends its sentences.
    quick: bool,
    scratch: quick::Scratch,
    cuts: Vec<usize>,
}

impl Splitter {
    /// For a language by its code; an unknown one is split as English is.
    fn new(lang: &str) -> Self {
        let language = sentencex::language_factory(lang);
        Self { quick: quick::knows(&*language), language, scratch: quick::Scratch::default(), cuts: Vec::new() }
    }

    /// Puts into `out` where the sentences of a block lie that begins at a char.
    fn split(&mut self, text: &str, first: u32, out: &mut Vec<Range<u32>>) {
        self.find_cuts(text);
        let text = Text { text, is_ascii: text.is_ascii() };
        let (mut start, mut char) = (0, first);
        for cut in self.cuts.iter().copied().chain([text.text.len()]) {
            let end = text.with_closing_quotes(cut);
            let Some(whole) = text.text.get(start..end) else { continue };
            start = end;
            let rest = whole.trim_start();
            let sentence = rest.trim_end();
            let from = char + text.chars(&whole[..whole.len() - rest.len()]);
            let to = from + text.chars(sentence);
            char = to + text.chars(&rest[sentence.len()..]);
            out.extend((!sentence.is_empty()).then_some(from..to));
        }
    }

    /// Where sentences may end before the end of the text, in bytes, ascending.
    fn find_cuts(&mut self, text: &str) {
        if self.quick && quick::boundaries(&*self.language, text, &mut self.scratch, &mut self.cuts) {
            return;
        }
        self.cuts.clear();
        if is_one(text) {
            return;
        }
        let ends = self.language.segment(text).into_iter().scan(0, |end, sentence| {
            *end += sentence.len();
            Some(*end)
        });
        self.cuts.extend(ends);
        if !text.is_ascii() {
            self.cuts.extend(before_latin(text));
            self.cuts.sort_unstable();
        }
    }
}

/// A text, and whether each of its bytes is a char.
#[derive(Clone, Copy)]
struct Text<'a> {
    text: &'a str,
    is_ascii: bool,
}

impl Text<'_> {
    /// How many chars a part of it has.
    fn chars(self, part: &str) -> u32 {
        let count = if self.is_ascii { part.len() } else { part.chars().count() };
        u32::try_from(count).expect("a page is under 4 GiB")
    }

    /// A closing quote or bracket right after a boundary belongs to the sentence before it.
    fn with_closing_quotes(self, boundary: usize) -> usize {
        if self.is_ascii {
            return boundary;
        }
        let rest = &self.text[boundary..];
        self.text.len() - rest.trim_start_matches(['”', '’', '」', '』', '）', '》', '】']).len()
    }
}

/// Whether nothing stands before the end of a text at which `sentencex` could part it, in any language: neither what ends sentences nor the
/// bracket of a list's number. Half of all blocks are like that, and it costs much more to ask.
fn is_one(text: &str) -> bool {
    // Chars from U+0540 on, Armenian and all that follow it, begin with such bytes.
    let may_part = |byte: &u8| matches!(byte, b'.' | b'!' | b'?' | b';' | b':' | b')' | b'\n') || *byte >= 0xd5;
    let text = text.trim_end_matches(['.', '!', '?']);
    !text.as_bytes().iter().any(may_part)
}

/// Ends of Chinese and Japanese sentences before a digit or a small Latin letter, where `sentencex` sees none: full stops of these
/// scripts mark no abbreviations. Those inside quotes and brackets are left to it.
fn before_latin(text: &str) -> Vec<usize> {
    let mut depth = 0u32;
    let mut ends = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '“' | '「' | '『' | '（' | '(' | '《' | '【' => depth += 1,
            '”' | '」' | '』' | '）' | ')' | '》' | '】' => depth = depth.saturating_sub(1),
            '。' | '！' | '？' if depth == 0 => {
                let end = at + c.len_utf8();
                if text.as_bytes().get(end).is_some_and(|next| next.is_ascii_digit() || next.is_ascii_lowercase()) {
                    ends.push(end);
                }
            }
            _ => {}
        }
    }
    ends
}

fn shorten(text: &str, sentence: SentenceRange, max_chars: usize, inside: &impl Fn(u32) -> bool, out: &mut Vec<SentenceRange>) {
    if sentence.chars.len() <= max_chars {
        out.push(sentence);
        return;
    }
    let first = sentence.chars.start;
    let chars: Vec<char> = text[sentence.bytes.clone()].chars().collect();
    let inside = |at: usize| inside(first + at as u32);
    // Where the last piece ended: in bytes of the block, in chars of the sentence.
    let (mut byte, mut char) = (sentence.bytes.start, 0);
    let mut push = |piece: Range<usize>| {
        if !piece.is_empty() {
            let start = byte + bytes(&chars[char..piece.start]);
            (byte, char) = (start + bytes(&chars[piece.clone()]), piece.end);
            out.push(SentenceRange { bytes: start..byte, chars: first + piece.start as u32..first + piece.end as u32 });
        }
    };
    let trim = |mut range: Range<usize>| {
        while range.start < range.end && chars[range.start].is_whitespace() {
            range.start += 1;
        }
        while range.start < range.end && chars[range.end - 1].is_whitespace() {
            range.end -= 1;
        }
        range
    };
    let mut rest = 0..chars.len();
    while rest.len() > max_chars {
        let window = rest.start + 1..=rest.start + max_chars;
        let last = |good: fn(char) -> bool| window.clone().rev().find(|&at| good(chars[at - 1]) && !inside(at));
        let clause = |c: char| matches!(c, ';' | ',' | ':' | '；' | '，' | '：' | '、' | '。' | '—' | ')' | '）');
        // Far to the left a clause's border makes crumbs: then a word's border near the limit is better.
        let cut = last(clause).filter(|&at| at - rest.start > max_chars / 4).or_else(|| last(char::is_whitespace));
        let beyond = || (rest.start + max_chars + 1..rest.end).find(|&at| chars[at - 1].is_whitespace() && !inside(at));
        let Some(cut) = cut.or_else(beyond) else { break };
        push(trim(rest.start..cut));
        rest = trim(cut..rest.end);
    }
    push(rest);
}

fn bytes(chars: &[char]) -> usize {
    chars.iter().map(|c| c.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use schemas::{Page, SegmentKind};

    use super::*;

    fn check(lang: &str, text: &str, span: Range<u32>, max_chars: usize, expected: &[&str]) {
        let chars: Vec<char> = text.chars().collect();
        let spans: Vec<Range<u32>> = if span.is_empty() { vec![] } else { vec![span] };
        let segment = Segment { start: 0, end: chars.len() as u32, kind: SegmentKind::Paragraph, level: 0 };
        let segments = if text.is_empty() { vec![] } else { vec![segment] };
        let sentences = of_page(lang, text, &segments);
        let page = Page { text: text.into(), segments, sentences, ..Page::default() };
        let blocks = page.segment_views().map(Result::unwrap);
        let sentences: Vec<SentenceRange> =
            blocks.flat_map(|block| whole(block.text, block.sentences(), &spans, max_chars).unwrap()).collect();
        let by_chars = |sentence: &SentenceRange| chars[sentence.chars.start as usize..sentence.chars.end as usize].iter().collect();
        let found: Vec<String> = sentences.iter().map(by_chars).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(sentences.iter().map(|sentence| &text[sentence.bytes.clone()]).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn sentences() {
        check("en", "Dr. Smith came. He left at 5 p.m. today.", 0..0, 400, &["Dr. Smith came.", "He left at 5 p.m. today."]);
        check("zh", "他说：“好。”然后走了。真的吗？是！", 0..0, 400, &["他说：“好。”", "然后走了。", "真的吗？", "是！"]);
        check("zh", "我來了。」他說「走吧！」", 0..0, 400, &["我來了。」", "他說「走吧！」"]);
        check("zh", "文明。14世纪（见上。3）后，《甲。2》。乙", 0..0, 400, &["文明。", "14世纪（见上。3）后，《甲。2》。", "乙"]);
        check("en", "", 0..0, 400, &[]);
    }

    /// What is taken for one sentence without asking is one when asked for.
    #[test]
    fn what_is_one_sentence_is_not_parted() {
        for lang in ["en", "de", "el", "hy", "ru", "kk", "zh", "ja", "fr", "xx"] {
            for text in
                ["Mr", "A list item", "* a - b", "1 The first", "café “x", "I am. . .", "What?!", "Кто", "a \"b\" 'c' (d", "Yes!", "", "x."]
            {
                let whole = sentencex::get_sentence_boundaries(lang, text).len() <= 1;
                assert!(whole || !is_one(text), "{lang} {text}");
            }
        }
        assert!(is_one("A list item") && is_one("Well, it ends.") && is_one("Ödön and Žofia"));
        assert!(!is_one("One. Two") && !is_one("a) b") && !is_one("是。否") && !is_one("Այո։ Ոչ") && !is_one("Ναι; Οχι"));
    }

    #[test]
    fn a_boundary_inside_an_answer_is_none() {
        check("en", "He saw Yes! Alone yesterday. Then he slept.", 7..17, 400, &["He saw Yes! Alone yesterday.", "Then he slept."]);
    }

    #[test]
    fn long_sentences_are_split_between_words() {
        check("en", "one two three, four five", 0..0, 16, &["one two three,", "four five"]);
        check("en", "one two three four", 4..18, 10, &["one", "two three four"]);
        check("en", "abcdefghijkl", 0..0, 5, &["abcdefghijkl"]);
    }
}
