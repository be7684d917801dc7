//! Adjusts sentences to the spans in them and to a maximum length.

use std::ops::Range;

use schemas::RowError;
use schemas::SentenceRange;

/// Joins sentences whose boundary lies inside a span, and splits sentences longer than `max_chars`.
///
/// `spans` are char ranges of the block, ascending and not overlapping. A long sentence is split after a clause or else after a word, never
/// inside a span. A sentence without such a place, as in Chinese without punctuation, stays long.
///
/// # Errors
/// The first error of `sentences`.
pub fn adjust_to_spans(
    text: &str,
    sentences: impl Iterator<Item = Result<SentenceRange, RowError>>,
    spans: &[Range<u32>],
    max_chars: usize,
) -> Result<Vec<SentenceRange>, RowError> {
    let is_inside_span = |at: u32| {
        let next = spans.partition_point(|span| span.end <= at);
        spans.get(next).is_some_and(|span| span.start < at)
    };
    let mut out = Vec::new();
    let mut open: Option<SentenceRange> = None;
    for sentence in sentences {
        let sentence = sentence?;
        match &mut open {
            Some(before) if is_inside_span(sentence.chars.start) => {
                (before.bytes.end, before.chars.end) = (sentence.bytes.end, sentence.chars.end);
            }
            _ => {
                if let Some(before) = open.replace(sentence) {
                    push_split(text, before, max_chars, &is_inside_span, &mut out);
                }
            }
        }
    }
    if let Some(last) = open {
        push_split(text, last, max_chars, &is_inside_span, &mut out);
    }
    Ok(out)
}

/// Appends a sentence, split into pieces of at most `max_chars` chars where possible.
fn push_split(text: &str, sentence: SentenceRange, max_chars: usize, is_inside_span: &impl Fn(u32) -> bool, out: &mut Vec<SentenceRange>) {
    if sentence.chars.len() <= max_chars {
        out.push(sentence);
        return;
    }
    let first = sentence.chars.start;
    let chars: Vec<char> = text[sentence.bytes.clone()].chars().collect();
    let is_inside_span = |at: usize| is_inside_span(first + at as u32);
    // The end of the last piece, in bytes of the block and in chars of the sentence.
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
        let last_after = |matches: fn(char) -> bool| window.clone().rev().find(|&at| matches(chars[at - 1]) && !is_inside_span(at));
        let ends_clause = |c: char| matches!(c, ';' | ',' | ':' | '；' | '，' | '：' | '、' | '。' | '—' | ')' | '）');
        // The end of a clause is not used if it would make a piece shorter than a quarter of the limit.
        let cut = last_after(ends_clause).filter(|&at| at - rest.start > max_chars / 4).or_else(|| last_after(char::is_whitespace));
        let beyond = || (rest.start + max_chars + 1..rest.end).find(|&at| chars[at - 1].is_whitespace() && !is_inside_span(at));
        let Some(cut) = cut.or_else(beyond) else { break };
        push(trim(rest.start..cut));
        rest = trim(cut..rest.end);
    }
    push(rest);
}

/// Length of chars in UTF-8.
fn bytes(chars: &[char]) -> usize {
    chars.iter().map(|c| c.len_utf8()).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schemas::{Page, Segment, SegmentKind};

    use super::*;
    use crate::sentence::splitter::split_page;

    fn check(lang: &str, text: &str, span: Range<u32>, max_chars: usize, expected: &[&str]) {
        let chars: Vec<char> = text.chars().collect();
        let spans: Vec<Range<u32>> = if span.is_empty() { vec![] } else { vec![span] };
        let segment = Segment { start: 0, end: chars.len() as u32, kind: SegmentKind::Paragraph, level: 0 };
        let segments = if text.is_empty() { vec![] } else { vec![segment] };
        let sentences = split_page(lang, text, &segments, &[]);
        let page = Page { text: text.into(), segments, sentences, ..Page::default() };
        let blocks = page.segment_views().map(Result::unwrap);
        let sentences: Vec<SentenceRange> =
            blocks.flat_map(|block| adjust_to_spans(block.text, block.sentences(), &spans, max_chars).unwrap()).collect();
        let by_chars = |sentence: &SentenceRange| chars[sentence.chars.start as usize..sentence.chars.end as usize].iter().collect();
        let found: Vec<String> = sentences.iter().map(by_chars).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(sentences.iter().map(|sentence| &text[sentence.bytes.clone()]).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn sentences_are_joined_around_spans() {
        check("en", "He saw Yes! Alone yesterday. Then he slept.", 7..17, 400, &["He saw Yes! Alone yesterday.", "Then he slept."]);
    }

    #[test]
    fn long_sentences_are_split_between_words() {
        check("en", "one two three, four five", 0..0, 16, &["one two three,", "four five"]);
        check("en", "one two three four", 4..18, 10, &["one", "two three four"]);
        check("en", "abcdefghijkl", 0..0, 5, &["abcdefghijkl"]);
    }
}
